// The few operations that a transformer is made of. Every model is written with these and nothing else, so that a
// device or a fused kernel is added in one place. Each takes float32 (float64 on the CPU too, for finite differences), is differentiable
// when autograd records, and has no kernel that pads one sequence to another.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>

#include "lmtx/export.h"
#include "lmtx/nn/dropout.h"
#include "lmtx/nn/pooling.h"
#include "lmtx/text/token_batch.h"

namespace lmtx::ops {

struct LayerNorm {
  at::Tensor weight;  // [d]
  at::Tensor bias;    // [d]
  double eps = 1e-12;
};

enum class Activation { gelu, gelu_tanh, relu };

// Sum of word, position (from 0 in each sequence) and, where defined, token-type-0 embeddings, then layer norm and dropout: [T, d].
LMTX_API at::Tensor embed_norm(const TokenBatch& batch, const at::Tensor& words, const at::Tensor& positions, const at::Tensor& token_type,
                               const LayerNorm& norm, double dropout_p, Dropout* dropout);

// x [T, in] times weight [out, in] transposed, plus bias [out]: [T, out].
LMTX_API at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

// activation(x + bias) of a product whose bias was left out: x [T, d], bias [d].
LMTX_API at::Tensor bias_activation(const at::Tensor& x, const at::Tensor& bias, Activation activation);

// norm(residual + dropout(branch)): [T, d].
LMTX_API at::Tensor residual_norm(const at::Tensor& residual, const at::Tensor& branch, const LayerNorm& norm, double dropout_p, Dropout* dropout);

// Softmax attention within each sequence; query, key and value [T, heads * head_dim] may be views of one matrix: [T, heads * head_dim].
LMTX_API at::Tensor packed_attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, const TokenBatch& batch, int64_t num_heads,
                                     double dropout_p, Dropout* dropout);

// The tokens of each sequence, but for batch.unpooled, become one vector by each of `modes`, joined in their order: hidden [T, d] to [n, modes * d].
// Of equal largest values one gets the gradient: the one that torch's max names.
LMTX_API at::Tensor pool(const at::Tensor& hidden, const TokenBatch& batch, std::span<const PoolingMode> modes);

// Rows scaled to unit length (a row shorter than 1e-12 is divided by 1e-12).
LMTX_API at::Tensor normalize(const at::Tensor& rows);

}  // namespace lmtx::ops
