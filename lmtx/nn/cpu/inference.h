// A transformer encoder as the CPU computes it best, forward only: weights packed for the kernels, nothing allocated between layers, a thread for each
// group of texts. What it computes for a text depends on that text alone, to the last bit: not on other texts, their order, or the number of threads.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <vector>

#include "lmtx/compute_dtype.h"
#include "lmtx/export.h"
#include "lmtx/nn/cpu/kernels.h"
#include "lmtx/nn/cpu/packed_linear.h"
#include "lmtx/nn/cpu/workspace.h"
#include "lmtx/nn/transformer_weights.h"

namespace lmtx::cpu {

using Sequence = std::span<const int32_t>;

// Immutable; const methods may be called from several threads.
class LMTX_API Inference {
 public:
  // Shares embeddings and norms with `weights`, which may be on any device, and copies what is in products: those of layers in `dtype`, those of Dense modules
  // in float32. Of all kernels that the processor has the best, if not told otherwise.
  Inference(const TransformerSettings& settings, const TransformerWeights& weights, ComputeDtype dtype, const Kernels& kernels = cpu::kernels());
  ~Inference();

  // Row i of `out`, float32 [sequences, dim()], becomes the vector of sequence i, before normalization. `unpooled` as in TokenBatch. On torch's threads: each
  // takes some of the sequences, or where there are fewer sequences than threads, some of each step. `workspaces` keep memory for the next call.
  void compute(std::span<const Sequence> sequences, int64_t unpooled, float* out, Workspaces& workspaces, const std::stop_token& stop = {}) const;

  int64_t dim() const { return dim_; }
  // Of the copies of weights.
  int64_t bytes() const;

 private:
  struct Norm;
  struct Layer;
  struct Dense;
  struct Batch;
  class Team;

  void compute_together(const Batch& batch, float* out, Workspaces& workspaces, const std::stop_token& stop) const;
  void compute_apart(const Batch& batch, int64_t threads, float* out, Workspaces& workspaces, const std::stop_token& stop) const;
  void compute_batch(const Batch& batch, float* out, Workspace& workspace, const Team& team, const std::stop_token& stop) const;
  void embed_sequence(Sequence tokens, float* hidden) const;
  void project(const Layer& layer, const Batch& batch, Workspace& workspace, const Team& team) const;
  void rotate(const Layer& layer, const Batch& batch, Workspace& workspace, const Team& team) const;
  void attend(const Layer& layer, const Batch& batch, Workspace& workspace, const Team& team) const;
  void feed_forward(const Layer& layer, int64_t rows, float* hidden, float* sum, Scratch& scratch) const;
  void finish_layer(const Layer& layer, const Batch& batch, Workspace& workspace, const Team& team) const;
  void pool(const Batch& batch, const float* hidden, float* out, Scratch& scratch) const;
  // Of `rows` vectors, each `from` [in] to `to` [out].
  void apply(const Dense& dense, int64_t rows, const float* from, float* to, Scratch& scratch) const;
  // The norms of `rows` rows where `norm` is one; `to` may be `from`.
  void normalize_rows(const Norm& norm, const float* from, int64_t rows, float* to) const;

  TransformerSettings settings_;
  const Kernels& kernels_;
  ops::Embeddings embeddings_;
  std::unique_ptr<const Norm> embedding_norm_, final_norm_;
  std::vector<Layer> layers_;
  std::vector<PoolingMode> modes_;
  std::vector<Dense> dense_;
  int64_t dim_ = 0;
  at::Tensor relative_positions_;
};

}  // namespace lmtx::cpu
