// Tokens as a model takes them: packed sequences, no padding, no mask.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

#include "lmtx/export.h"
#include "lmtx/text/tokenizer.h"

namespace lmtx {

struct TokenBatch {
  // int32 [T] on the model's device: the ids of all sequences, concatenated.
  at::Tensor ids;
  // int32 [n + 1] on the model's device: sequence i is ids[offsets[i], offsets[i + 1]).
  at::Tensor offsets;
  // The same on the host, so that nothing waits for a device.
  std::vector<int32_t> host_offsets;
  // Tokens of the longest sequence.
  int64_t max_length = 0;
  // Tokens at the start of each sequence that are left out where its vector is pooled (a prompt's), but never its last.
  int64_t unpooled = 0;

  int64_t size() const { return static_cast<int64_t>(host_offsets.size()) - 1; }
  int64_t num_tokens() const { return host_offsets.back(); }
};

// Packs these sequences, in this order, on `device`. Throws std::invalid_argument for an empty sequence or over 2^31 - 1 tokens.
LMTX_API TokenBatch pack(std::span<const std::span<const int32_t>> sequences, at::Device device = at::kCPU);

// The same numbers on `device`, by way of pinned memory where that is a card: nothing waits. `tensor` is on the CPU.
LMTX_API at::Tensor send(const at::Tensor& tensor, at::Device device);

// Cuts 0..lengths.size() into batches: stably sorted by falling length, each batch at most `token_budget` tokens (or one sequence that alone
// is longer) and `max_sequences` sequences (0: no limit). Each entry lists positions in `lengths`.
LMTX_API std::vector<std::vector<int64_t>> plan_batches(std::span<const int64_t> lengths, int64_t token_budget, int64_t max_sequences = 0);

}  // namespace lmtx
