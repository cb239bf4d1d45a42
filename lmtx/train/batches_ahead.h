// The batches of a training, made by another thread while the one before is computed. Internal.
#pragma once

#include <ATen/core/Tensor.h>

#include <atomic>
#include <cstdint>
#include <stop_token>

#include "lmtx/detail/ahead.h"
#include "lmtx/train/batch_gradients.h"
#include "lmtx/train/training_steps.h"

namespace lmtx {

// Belongs to one thread. `steps`, which only this asks for batches, outlives it.
class BatchesAhead {
 public:
  struct Batch {
    TrainingBatch texts;
    PreparedBatch prepared;
  };

  // From `first_step` on, in parts of at most options.token_budget tokens.
  BatchesAhead(const TrainingSteps& steps, int64_t first_step, const BatchGradientOptions& options, at::Device device);

  // The batch of the next step. Throws Stopped.
  Batch next(const std::stop_token& stop);
  // Later batches come in smaller parts.
  void set_token_budget(int64_t tokens) { token_budget_ = tokens; }
  // The same batch in smaller parts.
  void cut_again(Batch& batch, int64_t token_budget) const;

 private:
  Batch make(int64_t step) const;

  const TrainingSteps& steps_;
  const bool dropout_;
  const at::Device device_;
  std::atomic<int64_t> token_budget_;
  // Last: its thread uses the others.
  detail::Ahead<Batch> ahead_;
};

}  // namespace lmtx
