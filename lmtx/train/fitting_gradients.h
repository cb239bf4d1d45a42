// Gradients of batches in a memory that may not suffice for them. Internal.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "lmtx/nn/sentence_model.h"
#include "lmtx/train/batches_ahead.h"

namespace lmtx {

struct FittingOptions {
  at::Device device = at::kCPU;
  // Where memory does not suffice: an error that names a token budget that fits, instead of a smaller one from then on.
  bool fixed_budget = false;
  // Gives back what memory can be spared; false where there is none.
  std::function<bool()> spare = {};
  // A step was cut into parts of so many tokens, and so will be all later ones.
  std::function<void(int64_t token_budget)> on_lowered = {};
};

// Belongs to one thread. What it refers to outlives it.
class FittingGradients {
 public:
  FittingGradients(TrainingNetwork& network, BatchesAhead& batches, std::vector<at::Tensor> parameters, FittingOptions options);

  // As add_batch_gradients(); what a failed attempt added is dropped, so there must be no gradients before. Throws std::runtime_error where not even one text
  // fits at once, or the budget is fixed and does not fit.
  at::Tensor add(BatchesAhead::Batch& batch, const std::stop_token& stop);

 private:
  // Undefined where memory did not suffice; then `fault` says what was lacking, and there are no gradients.
  at::Tensor attempt(const BatchesAhead::Batch& batch, const std::stop_token& stop, std::string& fault);
  // Cuts the batch into smaller parts.
  void cut(BatchesAhead::Batch& batch, const std::string& fault) const;
  [[noreturn]] void refuse_budget(BatchesAhead::Batch& batch, std::string fault, const std::stop_token& stop);
  void drop_gradients();

  TrainingNetwork& network_;
  BatchesAhead& batches_;
  std::vector<at::Tensor> parameters_;
  const FittingOptions options_;
};

}  // namespace lmtx
