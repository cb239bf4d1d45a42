#include "lmtx/train/batch_yeses.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <numeric>
#include <unordered_map>

namespace lmtx {

BatchYeses::BatchYeses(std::span<const int64_t> labels, std::span<const std::span<const int64_t>> yeses_of) : size_(static_cast<int64_t>(labels.size())) {
  // Groups are numbered as their labels come up.
  std::unordered_map<int64_t, int32_t> group_of;
  std::vector<int32_t> groups, group_offsets{0};
  for (const int64_t label : labels) groups.push_back(group_of.try_emplace(label, static_cast<int32_t>(group_of.size())).first->second);
  group_offsets.resize(group_of.size() + 1, 0);
  for (const int32_t group : groups) ++group_offsets[static_cast<size_t>(group) + 1];
  std::partial_sum(group_offsets.begin(), group_offsets.end(), group_offsets.begin());
  std::vector<int32_t> next(group_offsets.begin(), group_offsets.end() - 1), group_columns(labels.size());
  for (size_t column = 0; column < groups.size(); ++column)
    group_columns[static_cast<size_t>(next[static_cast<size_t>(groups[column])]++)] = static_cast<int32_t>(column);
  std::vector<int32_t> row_offsets{0}, row_groups;
  for (const std::span<const int64_t> yeses : yeses_of) {
    for (const int64_t label : yeses) {
      if (const auto found = group_of.find(label); found != group_of.end()) row_groups.push_back(found->second);
    }
    row_offsets.push_back(static_cast<int32_t>(row_groups.size()));
  }
  pack(row_offsets, row_groups, group_offsets, group_columns);
}

BatchYeses BatchYeses::from_matrix(const at::Tensor& is_yes) {
  const at::Tensor on_host = is_yes.cpu().contiguous();
  const int64_t size = on_host.size(0);
  const bool* entry = on_host.const_data_ptr<bool>();
  // Each column is a label of its own.
  std::vector<int64_t> labels(static_cast<size_t>(size));
  std::iota(labels.begin(), labels.end(), 0);
  std::vector<std::vector<int64_t>> yeses(static_cast<size_t>(size));
  for (int64_t row = 0; row < size; ++row) {
    for (int64_t column = 0; column < size; ++column) {
      if (*entry++) yeses[static_cast<size_t>(row)].push_back(column);
    }
  }
  return BatchYeses(labels, std::vector<std::span<const int64_t>>(yeses.begin(), yeses.end()));
}

at::Tensor BatchYeses::matrix() const {
  at::Tensor matrix = at::zeros({size_, size_}, at::kBool);
  bool* entries = matrix.mutable_data_ptr<bool>();
  for (int64_t row = 0; row < size_; ++row) visit_row(row, [&](int64_t column) { entries[row * size_ + column] = true; });
  return matrix;
}

BatchYeses::Parts BatchYeses::parts_in(const int32_t* numbers) const {
  const int32_t *row_groups = numbers + size_ + 1, *group_offsets = row_groups + num_row_groups_;
  return {numbers, row_groups, group_offsets, group_offsets + num_groups_ + 1};
}

BatchYeses BatchYeses::to(at::Device device) const {
  BatchYeses moved = *this;
  moved.numbers_ = numbers_.to(device, /*non_blocking=*/true);
  return moved;
}

void BatchYeses::pack(const std::vector<int32_t>& row_offsets, const std::vector<int32_t>& row_groups, const std::vector<int32_t>& group_offsets,
                      const std::vector<int32_t>& group_columns) {
  num_row_groups_ = static_cast<int64_t>(row_groups.size());
  num_groups_ = static_cast<int64_t>(group_offsets.size()) - 1;
  numbers_ = at::empty({static_cast<int64_t>(row_offsets.size() + row_groups.size() + group_offsets.size() + group_columns.size())}, at::kInt);
  int32_t* next = numbers_.mutable_data_ptr<int32_t>();
  for (const auto* part : {&row_offsets, &row_groups, &group_offsets, &group_columns}) next = std::copy(part->begin(), part->end(), next);
}

}  // namespace lmtx
