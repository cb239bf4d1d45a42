// The transformer encoder of BERT and its relatives: learned positions, layer norm after each residual. What sets one relative apart from another is
// in its settings and in the names of its tensors.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "lmtx/nn/model_folder.h"
#include "lmtx/nn/ops.h"
#include "lmtx/nn/sentence_model.h"
#include "lmtx/nn/weights.h"

namespace lmtx {

struct TransformerSettings {
  int64_t dim = 0;
  int64_t num_layers = 0;
  int64_t num_heads = 0;
  // Width between the two products of the feed-forward part.
  int64_t inner_dim = 0;
  int64_t vocabulary_size = 0;
  int64_t max_positions = 0;
  // 0: no token-type embeddings.
  int64_t num_token_types = 0;
  ops::Activation activation = ops::Activation::gelu;
  double layer_norm_eps = 1e-12;
  // Probabilities: of the embeddings, the attention weights, the attention's output, the feed-forward part's output.
  double embedding_dropout = 0;
  double attention_dropout = 0;
  double attention_output_dropout = 0;
  double output_dropout = 0;
};

struct TransformerNames {
  // Before all names, in files where the encoder is part of something larger: "bert.".
  std::string prefix;
  // Before the number of a layer: "encoder.layer.".
  std::string layers;
  // After it, each with weight and bias.
  std::string query, key, value, attention_output, attention_norm, up, down, output_norm;
};

class Transformer final : public SentenceModel {
 public:
  // Throws std::runtime_error naming the tensor that is missing or has another shape than the settings ask for.
  Transformer(ModelFolder folder, TransformerSettings settings, TransformerNames names, Weights weights);

  at::Tensor forward(const TokenBatch& batch, Dropout* dropout, const std::stop_token& stop) const override;
  NamedTensors parameters() const override { return parameters_; }
  std::shared_ptr<SentenceModel> clone(at::ScalarType dtype) const override;
  void save(const std::filesystem::path& folder, int64_t max_length, bool normalize) const override;
  int64_t dim() const override { return folder_.pooling.pooled_dim(settings_.dim); }
  int64_t max_positions() const override { return settings_.max_positions; }
  int64_t max_length() const override { return folder_.max_length; }
  bool normalizes() const override { return folder_.normalizes; }
  const Pooling& pooling() const override { return folder_.pooling; }
  at::Device device() const override { return words_.device(); }

 private:
  struct Linear {
    at::Tensor weight;  // [out, in]
    at::Tensor bias;    // [out]
  };
  struct Layer {
    Linear query, key, value, attention_output;
    ops::LayerNorm attention_norm;
    Linear up, down;
    ops::LayerNorm output_norm;
  };

  static Linear take_linear(Weights& weights, const std::string& name, int64_t in, int64_t out);
  ops::LayerNorm take_norm(Weights& weights, const std::string& name) const;
  Layer take_layer(Weights& weights, const std::string& prefix) const;
  at::Tensor attend(const Layer& layer, const at::Tensor& hidden, const TokenBatch& batch, Dropout* dropout) const;
  at::Tensor feed_forward(const Layer& layer, const at::Tensor& hidden, Dropout* dropout) const;

  ModelFolder folder_;
  TransformerSettings settings_;
  TransformerNames names_;
  at::Tensor words_, positions_, token_types_;
  ops::LayerNorm embedding_norm_;
  std::vector<Layer> layers_;
  NamedTensors parameters_;
  // Tensors of the file that forward() has no use for (a pooler, say); kept for save().
  NamedTensors unused_;
};

// Settings that all architectures check alike. `place` is the configuration file.
void check_settings(const TransformerSettings& settings, const std::string& place);
// Throws std::runtime_error for an activation that is not supported.
ops::Activation parse_activation(const std::string& name, const std::string& place);

}  // namespace lmtx
