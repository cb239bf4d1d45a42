// The transformer encoder of BERT and its relatives. What sets one relative apart from another is in its settings and in the names of its tensors.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lmtx/nn/head.h"
#include "lmtx/nn/model_folder.h"
#include "lmtx/nn/ops.h"
#include "lmtx/nn/sentence_model.h"
#include "lmtx/nn/weights.h"

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

// Those of BERT, where an architecture says nothing else.
struct TransformerNames {
  // Before all names, in files where the encoder is part of something larger.
  std::string prefix = "bert.";
  std::string words = "embeddings.word_embeddings";
  std::string positions = "embeddings.position_embeddings";
  std::string token_types = "embeddings.token_type_embeddings";
  std::string embedding_norm = "embeddings.LayerNorm";
  std::string relative_positions = "encoder.relative_attention_bias";
  std::string final_norm = "final_norm";
  // Before the number of a layer.
  std::string layers = "encoder.layer.";
  // After it: query, key and value, or one product that is all three.
  std::vector<std::string> attention_inputs = {"attention.self.query", "attention.self.key", "attention.self.value"};
  std::string attention_output = "attention.output.dense";
  std::string attention_norm = "attention.output.LayerNorm";
  std::string up = "intermediate.dense";
  std::string down = "output.dense";
  std::string output_norm = "output.LayerNorm";
};

class Transformer final : public SentenceModel {
 public:
  // Throws std::runtime_error naming the tensor that is missing or has another shape than the settings ask for.
  Transformer(ModelFolder folder, TransformerSettings settings, TransformerNames names, Weights weights);

  at::Tensor forward(const TokenBatch& batch, Dropout* dropout, const std::stop_token& stop) const override;
  NamedTensors parameters() const override { return parameters_; }
  std::shared_ptr<SentenceModel> clone(at::ScalarType dtype) const override;
  void save(const std::filesystem::path& folder, int64_t max_length, bool normalize) const override;
  int64_t dim() const override { return head_.dim(); }
  int64_t max_positions() const override { return settings_.max_positions; }
  int64_t max_length() const override { return folder_.max_length; }
  bool normalizes() const override { return folder_.normalizes; }
  const Pooling& pooling() const override { return folder_.pooling; }
  const std::vector<DenseSettings>& dense() const override { return folder_.dense; }
  at::Device device() const override { return embeddings_.words.device(); }

 private:
  struct Layer {
    // One or three, as TransformerNames::attention_inputs.
    std::vector<Linear> attention_inputs;
    Linear attention_output;
    // Undefined where a layer has none.
    ops::LayerNorm attention_norm;
    Linear up, down;
    ops::LayerNorm output_norm;
    LayerAttention attention;
  };
  // What the layers of a batch share: rotary positions by their base, and what relative positions add to scores.
  struct Positions {
    std::map<double, ops::Rotation> rotations;
    at::Tensor bias;
  };

  ops::Embeddings take_embeddings(Weights& weights, const std::string& prefix) const;
  ops::LayerNorm take_norm(Weights& weights, const std::string& name) const;
  Layer take_layer(Weights& weights, const std::string& prefix, int64_t number) const;

  Positions positions_of(const TokenBatch& batch) const;
  at::Tensor attend(const Layer& layer, const at::Tensor& hidden, const TokenBatch& batch, const Positions& positions, Dropout* dropout) const;
  at::Tensor mix(const Layer& layer, const at::Tensor& input, const TokenBatch& batch, const Positions& positions, Dropout* dropout) const;
  at::Tensor feed_forward(const Layer& layer, const at::Tensor& hidden, Dropout* dropout) const;
  // The hidden states behind a part of a layer, its `branch` computed from `hidden`.
  at::Tensor rejoin(const at::Tensor& hidden, const at::Tensor& branch, const ops::LayerNorm& norm, double dropout_p, Dropout* dropout) const;

  ModelFolder folder_;
  TransformerSettings settings_;
  TransformerNames names_;
  ops::Embeddings embeddings_;
  ops::LayerNorm embedding_norm_;
  at::Tensor relative_positions_;
  std::vector<Layer> layers_;
  ops::LayerNorm final_norm_;
  Head head_;
  NamedTensors parameters_;
  // Tensors of the files that forward() has no use for (a pooler, say); kept for save().
  NamedTensors unused_;
};

}  // namespace lmtx
