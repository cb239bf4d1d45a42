// The kernels by tensors: float16 or bfloat16 [rows, columns] on one card, contiguous, in the order of the current stream. Nothing waits for the card.
// Internal.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <utility>

#include "lmtx/nn/cuda/kernels.h"
#include "lmtx/nn/ops.h"

namespace lmtx::cuda {

// What drops numbers with probability p, from the next call of `dropout`; nothing where it is null or p is 0.
DropoutMask draw_mask(Dropout* dropout, double p);
// The mask that `stream` keys; nothing where p is 0.
DropoutMask mask_of(uint64_t stream, double p);

// int32 [T]: a token's place in its sequence, or its number as RoBERTa has it (ops::Embeddings::padding_id).
at::Tensor token_positions(const TokenBatch& batch, std::optional<int64_t> padding_id);

at::Tensor embed_norm(const TokenBatch& batch, const at::Tensor& positions, const ops::Embeddings& embeddings, const ops::LayerNorm& norm,
                      const DropoutMask& mask, at::ScalarType dtype);
// Adds to the gradients of the tables and of the norm; `gradient` is overwritten.
void embed_norm_backward(const TokenBatch& batch, const at::Tensor& positions, const ops::Embeddings& embeddings, const ops::LayerNorm& norm,
                         const DropoutMask& mask, const at::Tensor& gradient);

struct Sum {
  // residual + dropout(branch + bias), in the memory of `branch`; undefined where it was not asked for.
  at::Tensor sum;
  at::Tensor norm;
  // float32 [rows, 2]; undefined where they were not asked for.
  at::Tensor moments;
};
enum class Keep { norm, sum, moments };  // each with what stands before it
Sum add_norm(const at::Tensor& residual, const at::Tensor& branch, const at::Tensor& bias, const ops::LayerNorm& norm, const DropoutMask& mask, Keep keep);

struct SumGradient {
  // The same tensor where nothing was dropped.
  at::Tensor residual, branch;
};
// From the gradient of the norm and, where defined, of the sum itself. Adds to those of the norm and of `bias`.
SumGradient add_norm_backward(const Sum& sum, const at::Tensor& gradient, const at::Tensor& direct, const at::Tensor& bias, const ops::LayerNorm& norm,
                              const DropoutMask& mask);

at::Tensor activate(const at::Tensor& x, const at::Tensor& bias, Activation activation, bool gated, const DropoutMask& mask);
// Adds to the gradient of `bias`; may overwrite `gradient`.
at::Tensor activate_backward(const at::Tensor& x, const at::Tensor& bias, Activation activation, bool gated, const DropoutMask& mask,
                             const at::Tensor& gradient);

// The first `columns` of x, in place.
void rotate(const at::Tensor& x, const at::Tensor& positions, const at::Tensor& frequencies, bool back, int64_t columns, int64_t head_dim);

// query, key and value [T, dim] side by side, and the sums of their columns, float32 [3 * dim].
std::pair<at::Tensor, at::Tensor> join_heads(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value);

// float32 [n, modes * dim].
at::Tensor pool(const at::Tensor& hidden, const TokenBatch& batch, std::span<const PoolingMode> modes);
at::Tensor pool_backward(const at::Tensor& hidden, const TokenBatch& batch, std::span<const PoolingMode> modes, const at::Tensor& gradient);

// Adds to the gradient of a parameter, or becomes it; nothing where the parameter is undefined.
void add_gradient(const at::Tensor& parameter, const at::Tensor& gradient);

}  // namespace lmtx::cuda
