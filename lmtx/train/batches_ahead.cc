#include "lmtx/train/batches_ahead.h"

#include <optional>
#include <stdexcept>
#include <utility>

namespace lmtx {

BatchesAhead::BatchesAhead(const TrainingSteps& steps, int64_t first_step, const BatchGradientOptions& options, at::Device device)
    : steps_(steps),
      dropout_(options.dropout),
      device_(device),
      token_budget_(options.token_budget),
      ahead_([this, step = first_step](const std::stop_token&) mutable -> std::optional<Batch> {
        if (step > steps_.num_steps()) return std::nullopt;
        return make(step++);
      }) {}

BatchesAhead::Batch BatchesAhead::next(const std::stop_token& stop) {
  std::optional<Batch> batch = ahead_.next(stop);
  if (!batch) throw std::logic_error("There are no steps left: this is a bug in LMTX.");
  // It was made before the budget was lowered.
  if (batch->prepared.options.token_budget > token_budget_) cut_again(*batch, token_budget_);
  return std::move(*batch);
}

void BatchesAhead::cut_again(Batch& batch, int64_t token_budget) const {
  batch.prepared = prepare_batch(batch.texts, {.token_budget = token_budget, .dropout = dropout_}, device_);
}

BatchesAhead::Batch BatchesAhead::make(int64_t step) const {
  Batch batch{steps_.batch(step), {}};
  cut_again(batch, token_budget_);
  return batch;
}

}  // namespace lmtx
