#include "lmtx/text/token_batch.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>

namespace lmtx {

TokenBatch pack(std::span<const std::span<const int32_t>> sequences, at::Device device) {
  TokenBatch batch;
  batch.host_offsets.reserve(sequences.size() + 1);
  batch.host_offsets.push_back(0);
  for (const std::span<const int32_t> sequence : sequences) {
    const auto length = static_cast<int64_t>(sequence.size());
    const int64_t end = batch.host_offsets.back() + length;
    if (length == 0) throw std::invalid_argument("`sequences` must not have empty ones, but number " + std::to_string(batch.size()) + " is empty.");
    if (end > std::numeric_limits<int32_t>::max()) throw std::invalid_argument("`sequences` must have at most 2^31 - 1 tokens together, but have more.");
    batch.host_offsets.push_back(static_cast<int32_t>(end));
    batch.max_length = std::max(batch.max_length, length);
  }
  // Pinned memory travels to a card while this thread goes on; torch keeps it until it has arrived.
  const at::TensorOptions on_host = at::TensorOptions().dtype(at::kInt).pinned_memory(device.is_cuda());
  at::Tensor ids = at::empty({batch.num_tokens()}, on_host);
  int32_t* next = ids.mutable_data_ptr<int32_t>();
  for (const std::span<const int32_t> sequence : sequences) next = std::copy(sequence.begin(), sequence.end(), next);
  at::Tensor offsets = at::empty({batch.size() + 1}, on_host);
  std::copy(batch.host_offsets.begin(), batch.host_offsets.end(), offsets.mutable_data_ptr<int32_t>());
  batch.ids = ids.to(device, /*non_blocking=*/true);
  batch.offsets = offsets.to(device, /*non_blocking=*/true);
  return batch;
}

at::Tensor send(const at::Tensor& tensor, at::Device device) {
  if (!device.is_cuda()) return tensor.to(device);
  // Torch keeps the pinned copy until it has arrived.
  const at::Tensor pinned = at::empty(tensor.sizes(), tensor.options().pinned_memory(true));
  return pinned.copy_(tensor).to(device, /*non_blocking=*/true);
}

std::vector<std::vector<int64_t>> plan_batches(std::span<const int64_t> lengths, int64_t token_budget, int64_t max_sequences) {
  if (token_budget < 1) throw std::invalid_argument("`token_budget` must be at least 1, but is " + std::to_string(token_budget) + " instead.");
  if (max_sequences < 0) throw std::invalid_argument("`max_sequences` must not be negative, but is " + std::to_string(max_sequences) + " instead.");
  std::vector<int64_t> order(lengths.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return lengths[a] > lengths[b]; });
  std::vector<std::vector<int64_t>> batches;
  int64_t tokens = 0;
  for (const int64_t i : order) {
    const bool full = batches.empty() || tokens + lengths[i] > token_budget || static_cast<int64_t>(batches.back().size()) == max_sequences;
    if (full) {
      batches.emplace_back();
      tokens = 0;
    }
    batches.back().push_back(i);
    tokens += lengths[i];
  }
  return batches;
}

}  // namespace lmtx
