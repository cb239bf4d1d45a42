#include "lmtx/train/triplet_steps.h"

#include <memory>
#include <utility>

#include "lmtx/detail/random.h"
#include "lmtx/train/triplet_batch_loss.h"

namespace lmtx {

TripletSteps::TripletSteps(const TrainingPlan& plan, TrainingTexts texts, const TrainerOptions& options, int64_t cycle)
    : plan_(plan), texts_(std::move(texts)), options_(options), cycle_(cycle) {}

TrainingBatch TripletSteps::batch(int64_t t) const {
  TrainingStep step = plan_.step(t);
  const TripletLossOptions loss{options_.margin, options_.hard_negatives, options_.violator_temperature};
  return texts_.batch(step.documents, step.labels, std::make_shared<TripletBatchLoss>(std::move(step.yeses), loss),
                      detail::random_key(options_.seed, "dropout", {cycle_, t}));
}

// As the first version had it, whose checkpoints go on being used: nothing names the kind of steps.
void TripletSteps::add_to(detail::Hasher& key) const {
  key.add(cycle_);
  texts_.add_to(key);
  key.add(plan_.documents_with_yes());
  for (int64_t i = 0; i < plan_.documents_with_yes(); ++i) {
    key.add(plan_.documents()[i]).add(static_cast<int64_t>(plan_.yeses(i).size()));
    for (const int64_t label : plan_.yeses(i)) key.add(label);
  }
}

}  // namespace lmtx
