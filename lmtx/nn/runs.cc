#include "lmtx/nn/runs.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/tensor.h>

namespace lmtx::ops {

std::vector<Run> equal_length_runs(const TokenBatch& batch) {
  std::vector<Run> runs;
  for (int64_t i = 0; i < batch.size(); ++i) {
    const int64_t length = batch.host_offsets[i + 1] - batch.host_offsets[i];
    if (runs.empty() || runs.back().length != length) runs.push_back({.count = 0, .length = length});
    ++runs.back().count;
  }
  return runs;
}

// One split, not many slices: the backward of a slice fills a tensor of the whole batch's size with zeros.
std::vector<at::Tensor> split_runs(const at::Tensor& rows, const std::vector<Run>& runs) {
  if (runs.size() == 1) return {rows};
  std::vector<int64_t> sizes;
  for (const Run& run : runs) sizes.push_back(run.count * run.length);
  return rows.split_with_sizes(sizes);
}

at::Tensor join(const std::vector<at::Tensor>& parts) { return parts.size() == 1 ? parts.front() : at::cat(parts); }

at::Tensor places(const TokenBatch& batch) {
  std::vector<int64_t> places;
  places.reserve(batch.num_tokens());
  for (int64_t i = 0; i < batch.size(); ++i) {
    const int64_t length = batch.host_offsets[i + 1] - batch.host_offsets[i];
    for (int64_t p = 0; p < length; ++p) places.push_back(p);
  }
  return send(at::tensor(places, at::kLong), batch.ids.device());
}

}  // namespace lmtx::ops
