// The network of a sentence encoder: a transformer, pooling, dense layers and normalization, differentiable, on packed tokens.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "lmtx/compute_dtype.h"
#include "lmtx/export.h"
#include "lmtx/nn/dense.h"
#include "lmtx/nn/dropout.h"
#include "lmtx/nn/named_tensors.h"
#include "lmtx/nn/pooling.h"
#include "lmtx/text/token_batch.h"

namespace lmtx {

namespace cpu {
class Inference;  // lmtx/nn/cpu/inference.h
struct Kernels;   // lmtx/nn/cpu/kernels.h
}  // namespace cpu

namespace cuda {
class Network;  // lmtx/nn/cuda/network.h
}

// What training computes vectors with, and their gradients.
class TrainingNetwork {
 public:
  virtual ~TrainingNetwork() = default;
  // As SentenceModel::forward(). Behind it autograd leads to the model's parameters, which collect their gradients in their own dtype.
  virtual at::Tensor forward(const TokenBatch& batch, Dropout* dropout, const std::stop_token& stop) = 0;
  // To be called after the parameters changed.
  virtual void refresh() {}
};

class LMTX_API SentenceModel {
 public:
  // Reads config.json, the modules and their model.safetensors of a sentence-transformers folder (weights become float32). Throws std::runtime_error naming
  // the file and what is missing, broken or not supported.
  static std::shared_ptr<SentenceModel> load(const std::filesystem::path& folder, at::Device device = at::kCPU);

  virtual ~SentenceModel() = default;

  // Vectors [n, dim] in the parameters' dtype, before normalization. Differentiable when autograd records (parameters with requires_grad set).
  // `dropout` is drawn from (none: evaluation). Checks `stop` between layers.
  virtual at::Tensor forward(const TokenBatch& batch, Dropout* dropout = nullptr, const std::stop_token& stop = {}) const = 0;

  // The same computation without a way back, in the given dtype, on the CPU: with a copy of the weights of its products, as they are now.
  // With the processor's best kernels, if not told otherwise.
  virtual std::unique_ptr<const cpu::Inference> prepare(ComputeDtype dtype = ComputeDtype::float32, const cpu::Kernels* kernels = nullptr) const = 0;

  // The same in half precision on the model's card, with a copy of the weights of its products. Throws std::invalid_argument for another dtype than bfloat16 and float16,
  // a model on the CPU, and what there are no kernels for.
  virtual std::shared_ptr<const cuda::Network> prepare_on_card(ComputeDtype dtype) const = 0;

  // Throws std::invalid_argument where the model cannot be trained in the dtype, saying why.
  virtual void check_trainable(ComputeDtype dtype) const = 0;
  // The model itself for float32. On a card with `dtype` bfloat16 its products are computed from rounded copies of the parameters, all sums and the gradients in
  // float32. Throws as check_trainable() does. Valid as long as the model.
  virtual std::unique_ptr<TrainingNetwork> training_network(ComputeDtype dtype = ComputeDtype::float32) const = 0;

  // All weights by their names in model.safetensors, those of Dense modules behind the name of their folder ("2_Dense/linear.weight"), in a fixed order; they
  // share storage with the model. Tensors that no output of this model depends on (BERT's pooler) are kept in the file but are not among them.
  virtual NamedTensors parameters() const = 0;

  // A deep copy, detached, of dtype float32 or float64 (for finite differences).
  virtual std::shared_ptr<SentenceModel> clone(at::ScalarType dtype = at::kFloat) const = 0;

  // Writes weights, configuration and modules (not the tokenizer) into an existing folder, in the classic dialect.
  virtual void save(const std::filesystem::path& folder, int64_t max_length, bool normalize) const = 0;

  // Numbers in a vector: the width of the network for each mode of pooling, or what the last Dense module makes of them.
  virtual int64_t dim() const = 0;
  virtual int64_t max_positions() const = 0;
  // max_seq_length of the folder; 0 where it says none.
  virtual int64_t max_length() const = 0;
  // Whether the folder has a Normalize module.
  virtual bool normalizes() const = 0;
  virtual const Pooling& pooling() const = 0;
  virtual const std::vector<DenseSettings>& dense() const = 0;
  virtual at::Device device() const = 0;
};

}  // namespace lmtx
