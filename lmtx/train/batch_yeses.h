// Which columns of a batch are a yes of which of its rows. Internal.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

#include "lmtx/export.h"

namespace lmtx {

// A batch of B documents, its rows, and a label of each, its columns. Equal labels are one group of columns, and a row names its groups: so memory is B and
// the yeses of the batch, however often a label comes up.
class LMTX_API BatchYeses {
 public:
  BatchYeses() = default;
  // labels[j] is the label of column j; yeses_of[i] are the labels that fit document i. Labels that are in no column are passed over.
  BatchYeses(std::span<const int64_t> labels, std::span<const std::span<const int64_t>> yeses_of);
  // Of a bool matrix [B, B].
  static BatchYeses from_matrix(const at::Tensor& is_yes);

  int64_t size() const { return size_; }
  // bool [B, B] on the CPU: entry (i, j) is set where column j is a yes of row i.
  at::Tensor matrix() const;
  // Calls visit(column) for each yes of a row.
  template <typename Visit>
  void visit_row(int64_t row, Visit visit) const {
    const Parts parts = this->parts();
    for (int32_t i = parts.row_offsets[row]; i < parts.row_offsets[row + 1]; ++i) {
      const int32_t group = parts.row_groups[i];
      for (int32_t j = parts.group_offsets[group]; j < parts.group_offsets[group + 1]; ++j) visit(static_cast<int64_t>(parts.group_columns[j]));
    }
  }

  // The groups of row i are row_groups[row_offsets[i], row_offsets[i + 1]); the columns of group g are group_columns[group_offsets[g], group_offsets[g + 1]).
  struct Parts {
    const int32_t* row_offsets;
    const int32_t* row_groups;
    const int32_t* group_offsets;
    const int32_t* group_columns;
  };
  // Valid as long as this and numbers().
  Parts parts() const { return parts_in(numbers_.const_data_ptr<int32_t>()); }
  Parts parts_in(const int32_t* numbers) const;
  // int32, all that there is one behind the other, so that one copy takes it to a card.
  const at::Tensor& numbers() const { return numbers_; }
  void pin_memory() { numbers_ = numbers_.pin_memory(); }
  // The same with numbers() on a device; nothing waits where they are pinned.
  BatchYeses to(at::Device device) const;

 private:
  void pack(const std::vector<int32_t>& row_offsets, const std::vector<int32_t>& row_groups, const std::vector<int32_t>& group_offsets,
            const std::vector<int32_t>& group_columns);

  int64_t size_ = 0, num_row_groups_ = 0, num_groups_ = 0;
  at::Tensor numbers_;
};

}  // namespace lmtx
