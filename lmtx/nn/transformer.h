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

#include "lmtx/nn/model_folder.h"
#include "lmtx/nn/ops.h"
#include "lmtx/nn/sentence_model.h"
#include "lmtx/nn/transformer_weights.h"
#include "lmtx/nn/weights.h"

namespace lmtx {

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
  std::unique_ptr<const cpu::Inference> prepare(ComputeDtype dtype, const cpu::Kernels* kernels) const override;
  std::shared_ptr<const cuda::Network> prepare_on_card(ComputeDtype dtype) const override;
  void check_trainable(ComputeDtype dtype) const override;
  std::unique_ptr<TrainingNetwork> training_network(ComputeDtype dtype) const override;
  std::shared_ptr<SentenceModel> clone(at::ScalarType dtype) const override;
  void save(const std::filesystem::path& folder, int64_t max_length, bool normalize) const override;
  int64_t dim() const override { return weights_.head.dim(); }
  int64_t max_positions() const override { return settings_.max_positions; }
  int64_t max_length() const override { return folder_.max_length; }
  bool normalizes() const override { return folder_.normalizes; }
  const Pooling& pooling() const override { return folder_.pooling; }
  const std::vector<DenseSettings>& dense() const override { return folder_.dense; }
  at::Device device() const override { return weights_.embeddings.words.device(); }

 private:
  // What the layers of a batch share: rotary positions by their base, and what relative positions add to scores.
  struct Positions {
    std::map<double, ops::Rotation> rotations;
    at::Tensor bias;
  };

  ops::Embeddings take_embeddings(Weights& weights, const std::string& prefix) const;
  ops::LayerNorm take_norm(Weights& weights, const std::string& name) const;
  TransformerLayer take_layer(Weights& weights, const std::string& prefix, int64_t number) const;

  Positions positions_of(const TokenBatch& batch) const;
  at::Tensor attend(const TransformerLayer& layer, const at::Tensor& hidden, const TokenBatch& batch, const Positions& positions, Dropout* dropout) const;
  at::Tensor mix(const TransformerLayer& layer, const at::Tensor& input, const TokenBatch& batch, const Positions& positions, Dropout* dropout) const;
  at::Tensor feed_forward(const TransformerLayer& layer, const at::Tensor& hidden, Dropout* dropout) const;
  // The hidden states behind a part of a layer, its `branch` computed from `hidden`.
  at::Tensor rejoin(const at::Tensor& hidden, const at::Tensor& branch, const ops::LayerNorm& norm, double dropout_p, Dropout* dropout) const;

  ModelFolder folder_;
  TransformerSettings settings_;
  TransformerNames names_;
  TransformerWeights weights_;
  NamedTensors parameters_;
  // Tensors of the files that forward() has no use for (a pooler, say); kept for save().
  NamedTensors unused_;
};

}  // namespace lmtx
