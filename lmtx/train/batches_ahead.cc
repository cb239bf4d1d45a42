#include "lmtx/train/batches_ahead.h"

#include <optional>
#include <stdexcept>
#include <utility>

#include "lmtx/detail/random.h"

namespace lmtx {

BatchesAhead::BatchesAhead(const StudentTrainingInput& input, const TrainingPlan& plan, int64_t first_step, int64_t token_budget, at::Device device)
    : input_(input),
      plan_(plan),
      device_(device),
      token_budget_(token_budget),
      ahead_([this, step = first_step](const std::stop_token&) mutable -> std::optional<Batch> {
        if (step > plan_.num_steps()) return std::nullopt;
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
  BatchGradientOptions options = batch.prepared.options;
  options.token_budget = token_budget;
  batch.prepared = prepare_batch(batch.texts, options, device_);
}

BatchesAhead::Batch BatchesAhead::make(int64_t number) const {
  TrainingStep step = plan_.step(number);
  Batch batch{{{}, {}, std::move(step.yeses)}, {}};
  for (const int64_t document : step.documents)
    batch.texts.documents.push_back(cut_tokens(input_.documents[document], input_.document_length, input_.suffix_size));
  for (const int64_t label : step.labels) batch.texts.labels.push_back(cut_tokens(input_.labels[label], input_.label_length, input_.suffix_size));
  batch.prepared = prepare_batch(batch.texts, options_of(number), device_);
  return batch;
}

BatchGradientOptions BatchesAhead::options_of(int64_t step) const {
  const TrainerOptions& options = input_.options;
  return {.loss = {options.margin, options.hard_negatives, options.violator_temperature},
          .token_budget = token_budget_,
          .document_unpooled = input_.document_unpooled,
          .label_unpooled = input_.label_unpooled,
          .dropout = options.dropout,
          .dropout_key = detail::random_key(options.seed, "dropout", {input_.cycle, step})};
}

}  // namespace lmtx
