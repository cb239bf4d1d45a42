// The few operations that a transformer is made of. Every model is written with these and nothing else, so that a
// device or a fused kernel is added in one place. Each takes float32 (float64 on the CPU too, for finite differences), is differentiable
// when autograd records, and has no kernel that pads one sequence to another.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <span>

#include "lmtx/export.h"
#include "lmtx/nn/activation.h"
#include "lmtx/nn/dropout.h"
#include "lmtx/nn/pooling.h"
#include "lmtx/text/token_batch.h"

namespace lmtx::ops {

struct LayerNorm {
  at::Tensor weight;  // [d]
  at::Tensor bias;    // [d]; undefined: none
  double eps = 1e-12;
};

using lmtx::Activation;

struct Embeddings {
  at::Tensor words = {};       // [vocabulary, d]
  at::Tensor positions = {};   // [positions, d]; undefined: none
  at::Tensor token_type = {};  // [types, d], of which all tokens have the first; undefined: none
  // Tokens are at positions 0, 1, … of their sequence; where this is set, at padding_id + 1, padding_id + 2, …, and a token that is itself padding_id is
  // at that position and is not counted (RoBERTa).
  std::optional<int64_t> padding_id = std::nullopt;

  // Tokens of the longest sequence that there are positions for; only where there are learned ones.
  int64_t max_length() const { return positions.size(0) - (padding_id ? *padding_id + 1 : 0); }
};

// Throw std::invalid_argument for ids that have no row in the model's vocabulary, and for a sequence that is longer than there are positions.
LMTX_API void check_ids(std::span<const int32_t> ids, int64_t vocabulary_size);
LMTX_API void check_length(int64_t length, int64_t num_positions);

// Sum of a token's embeddings, then layer norm and dropout: [T, d].
LMTX_API at::Tensor embed_norm(const TokenBatch& batch, const Embeddings& embeddings, const LayerNorm& norm, double dropout_p, Dropout* dropout);

// x [T, in] times weight [out, in] transposed, plus bias [out] (undefined: none): [T, out].
LMTX_API at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

// activation(x + bias) of a product whose bias was left out: x [T, d], bias [d] (undefined: none).
LMTX_API at::Tensor bias_activation(const at::Tensor& x, const at::Tensor& bias, Activation activation);

// dropout(activation(a) * b), a and b being the halves of x + bias: x [T, 2 * d], bias [2 * d] (undefined: none) to [T, d].
LMTX_API at::Tensor gated_activation(const at::Tensor& x, const at::Tensor& bias, Activation activation, double dropout_p, Dropout* dropout);

// norm(residual + dropout(branch)): [T, d].
LMTX_API at::Tensor residual_norm(const at::Tensor& residual, const at::Tensor& branch, const LayerNorm& norm, double dropout_p, Dropout* dropout);

// The two by themselves, for networks that have the norm before the branch: norm(x), and residual + dropout(branch).
LMTX_API at::Tensor norm(const at::Tensor& x, const LayerNorm& norm);
LMTX_API at::Tensor residual(const at::Tensor& residual, const at::Tensor& branch, double dropout_p, Dropout* dropout);

// Cosines and sines [T, 1, head_dim / 2] of the angles that the pairs of a token's numbers are turned by, of the dtype and on the device of the model.
struct Rotation {
  at::Tensor cosine, sine;
};

// Angles of rotary positions (RoFormer): position times theta^(-2 i / head_dim) for pair i. head_dim is even. What positions are multiplied by is float32 on
// the CPU, [head_dim / 2].
LMTX_API at::Tensor rotary_frequencies(int64_t head_dim, double theta);
LMTX_API Rotation rotation(const TokenBatch& batch, int64_t head_dim, double theta, at::ScalarType dtype);

// In each head, numbers i and i + head_dim / 2 are turned by their angle: x [T, heads * head_dim], perhaps a view, to the same shape.
LMTX_API at::Tensor rotate(const at::Tensor& x, const Rotation& rotation);

// What attention adds to the score of each pair of tokens, by T5's buckets of their distance, 32 of them, up to 128 tokens: table [at least 32, heads] to
// [heads, length, length] (of query, of key).
LMTX_API at::Tensor relative_bias(const at::Tensor& table, int64_t length);

struct Attention {
  int64_t num_heads = 1;
  // Tokens to either side that a token attends to; unset: its whole sequence.
  std::optional<int64_t> window = std::nullopt;
  // Added to the scores, [heads, length, length] of at least the longest sequence; undefined: nothing.
  at::Tensor bias = {};
  double dropout_p = 0;
};

// Softmax attention within each sequence; query, key and value [T, heads * head_dim] may be views of one matrix: [T, heads * head_dim].
LMTX_API at::Tensor packed_attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, const TokenBatch& batch,
                                     const Attention& attention, Dropout* dropout);

// The tokens of each sequence, but for batch.unpooled, become one vector by each of `modes`, joined in their order: hidden [T, d] to [n, modes * d].
// Of equal largest values one gets the gradient: the one that torch's max names.
LMTX_API at::Tensor pool(const at::Tensor& hidden, const TokenBatch& batch, std::span<const PoolingMode> modes);

// Rows scaled to unit length (a row shorter than 1e-12 is divided by 1e-12).
LMTX_API at::Tensor normalize(const at::Tensor& rows);

}  // namespace lmtx::ops
