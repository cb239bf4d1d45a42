// What a transformer is: its settings and its tensors.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "lmtx/nn/head.h"
#include "lmtx/nn/linear.h"
#include "lmtx/nn/ops.h"

namespace lmtx {

// How the tokens of one layer attend to each other.
struct LayerAttention {
  // Tokens to either side that a token attends to; unset: its whole sequence.
  std::optional<int64_t> window = std::nullopt;
  // Base of the angles of rotary positions; unset: none.
  std::optional<double> rope_theta = std::nullopt;
};

struct TransformerSettings {
  int64_t dim = 0;
  int64_t num_layers = 0;
  int64_t num_heads = 0;
  // Width between the two products of the feed-forward part.
  int64_t inner_dim = 0;
  int64_t vocabulary_size = 0;
  // Tokens that a sequence may have.
  int64_t max_positions = 0;
  // Whether positions have embeddings: max_positions rows, behind padding_id + 1 others where that is set (see ops::Embeddings).
  bool learned_positions = true;
  std::optional<int64_t> padding_id = std::nullopt;
  // 0: no token-type embeddings.
  int64_t num_token_types = 0;
  // Rows of the table of relative positions (see ops::relative_bias), which all layers share; 0: none.
  int64_t relative_positions = 0;
  // One a layer; empty: whole sequences, no rotary positions.
  std::vector<LayerAttention> attention = {};
  // Layer norm before each part instead of after the residual (the first layer's attention has none: the embeddings have it), and once more at the end.
  bool norm_first = false;
  // Whether the feed-forward part multiplies the activation of one half of a product by the other half.
  bool gated = false;
  bool attention_bias = true;
  bool feed_forward_bias = true;
  bool norm_bias = true;
  ops::Activation activation = ops::Activation::gelu;
  double layer_norm_eps = 1e-12;
  // Probabilities: of the embeddings, the attention weights, the attention's output, between the products of the feed-forward part (where it is gated), its
  // output.
  double embedding_dropout = 0;
  double attention_dropout = 0;
  double attention_output_dropout = 0;
  double inner_dropout = 0;
  double output_dropout = 0;
};

struct TransformerLayer {
  // One that is query, key and value, or one for each.
  std::vector<Linear> attention_inputs;
  Linear attention_output;
  // Undefined where a layer has none.
  ops::LayerNorm attention_norm;
  Linear up, down;
  ops::LayerNorm output_norm;
  LayerAttention attention;
};

struct TransformerWeights {
  ops::Embeddings embeddings;
  ops::LayerNorm embedding_norm;
  // Undefined: none.
  at::Tensor relative_positions;
  std::vector<TransformerLayer> layers;
  // Undefined: none.
  ops::LayerNorm final_norm;
  Head head;
};

}  // namespace lmtx
