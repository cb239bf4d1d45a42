#include "lmtx/nn/grouping.h"

#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <unordered_set>
#include <vector>

namespace lmtx {
namespace {

int64_t length(const TokenBatch& batch, int64_t i) { return batch.host_offsets[i + 1] - batch.host_offsets[i]; }

bool is_grouped(const TokenBatch& batch) {
  std::unordered_set<int64_t> seen;
  for (int64_t i = 0; i < batch.size(); ++i) {
    const bool starts = i == 0 || length(batch, i) != length(batch, i - 1);
    if (starts && !seen.insert(length(batch, i)).second) return false;
  }
  return true;
}

at::Tensor to_device(const std::vector<int64_t>& values, const TokenBatch& batch) { return send(at::tensor(values, at::kLong), batch.ids.device()); }

// The sequences of `batch` in another order: the i-th is the order[i]-th of `batch`.
TokenBatch reorder(const TokenBatch& batch, const std::vector<int64_t>& order) {
  TokenBatch out;
  out.host_offsets = {0};
  out.max_length = batch.max_length;
  out.unpooled = batch.unpooled;
  std::vector<int64_t> tokens;
  tokens.reserve(batch.num_tokens());
  for (int64_t i : order) {
    for (int64_t t = batch.host_offsets[i]; t < batch.host_offsets[i + 1]; ++t) tokens.push_back(t);
    out.host_offsets.push_back(static_cast<int32_t>(tokens.size()));
  }
  out.ids = batch.ids.index_select(0, to_device(tokens, batch));
  out.offsets = send(at::tensor(out.host_offsets, at::kInt), batch.offsets.device());
  return out;
}

}  // namespace

at::Tensor GroupedBatch::restore(const at::Tensor& rows) const { return place.defined() ? rows.index_select(0, place) : rows; }

GroupedBatch group_by_length(const TokenBatch& batch) {
  if (is_grouped(batch)) return {.batch = batch, .place = {}};
  std::vector<int64_t> order(batch.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return length(batch, a) > length(batch, b); });
  std::vector<int64_t> place(order.size());
  for (size_t i = 0; i < order.size(); ++i) place[order[i]] = static_cast<int64_t>(i);
  return {.batch = reorder(batch, order), .place = to_device(place, batch)};
}

}  // namespace lmtx
