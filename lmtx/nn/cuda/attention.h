// Attention on a card in half precision, of whichever kind is fastest for the batch, and its way back. Internal.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "lmtx/export.h"
#include "lmtx/nn/cuda/kernels.h"
#include "lmtx/nn/ops.h"
#include "lmtx/nn/transformer_weights.h"

namespace lmtx::cuda {

// The last sequences of a batch, which are so short that they have a kernel of their own: where they begin, in classes of at most so many tokens. The first is
// of short_attention_length, and each begins at the next one's end at the latest; a batch in the order of falling lengths has each sequence in its best class.
struct ShortSequences {
  struct Class {
    int64_t first = 0, end = 0;
    int64_t length = 0;
  };
  // Without those that are empty.
  std::vector<Class> classes;

  // The first sequence of all; `size`, the batch's, where there is none.
  int64_t first(int64_t size) const { return classes.empty() ? size : classes.front().first; }
};
LMTX_API ShortSequences short_sequences(const TokenBatch& batch);

// What the layers of a batch share.
struct Positions {
  // int32 [T]; undefined where no layer asks for it.
  at::Tensor places;
  // What relative positions add to scores, float32 [heads, length, length], and the same in the dtype of the products; undefined: none.
  at::Tensor bias, rounded_bias;
  ShortSequences short_ones = {};
};

// One layer's attention on one batch.
struct AttentionCall {
  const LayerAttention& layer;
  // float32 [head_dim / 2] where the layer has rotary positions.
  const at::Tensor& frequencies;
  const TokenBatch& batch;
  const Positions& positions;
  int64_t num_heads = 1;
  double dropout_p = 0;
};

// What the way back needs.
struct AttentionTape {
  at::Tensor qkv, out;
  // Of flash attention.
  at::Tensor log_sums, random_state, unused;
  // Of attention by runs of equal lengths, where autograd has recorded it.
  at::Tensor query, key, value, bias;
  double dropout_p = 0;
  // Of short sequences.
  DropoutMask short_mask = {};
};

// [T, dim] from query, key and value side by side, [T, 3 * dim], which is overwritten with rotated ones. `tape` null: no way back.
LMTX_API at::Tensor attend(const AttentionCall& call, const at::Tensor& qkv, Dropout* dropout, AttentionTape* tape);

// The gradients of qkv and of the sums of its columns, float32 [3 * dim]; adds that of the relative positions' bias, in float32, to `bias_gradient`.
LMTX_API std::pair<at::Tensor, at::Tensor> attend_backward(const AttentionCall& call, const AttentionTape& tape, const at::Tensor& gradient,
                                                           at::Tensor& bias_gradient);

}  // namespace lmtx::cuda
