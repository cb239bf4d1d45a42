#include "lmtx/train/training_plan.h"

#include <algorithm>

#include "lmtx/detail/random.h"
#include "lmtx/train/check_judged.h"
#include "lmtx/train/num_steps.h"

namespace lmtx {

TrainingPlan::TrainingPlan(std::span<const JudgedDocument> judged, const TrainerOptions& options, int64_t cycle) : seed_(options.seed), cycle_(cycle) {
  check_rising(judged);
  for (const JudgedDocument& document : judged) {
    for (const JudgedLabel& label : document.labels) {
      if (label.score >= options.yes_above) yeses_.push_back(label.label);
    }
    const int64_t end = static_cast<int64_t>(yeses_.size());
    if (end == offsets_.back()) continue;
    documents_.push_back(document.document);
    offsets_.push_back(end);
  }
  batch_size_ = std::min(options.batch_size, documents_with_yes());
  // The last short batch of an epoch is dropped unless it is the only one.
  if (batch_size_ > 0) steps_per_epoch_ = documents_with_yes() / batch_size_;
  num_steps_ = num_steps_of(steps_per_epoch_, options);
}

const std::vector<int64_t>& TrainingPlan::order_of(int64_t epoch) const {
  if (epoch != drawn_epoch_) {
    order_ = detail::permutation(documents_with_yes(), detail::random_key(seed_, "document order", {cycle_, epoch}));
    drawn_epoch_ = epoch;
  }
  return order_;
}

TrainingStep TrainingPlan::step(int64_t t) const {
  const int64_t epoch = (t - 1) / steps_per_epoch_, first = (t - 1) % steps_per_epoch_ * batch_size_;
  const std::span<const int64_t> places(order_of(epoch).data() + first, static_cast<size_t>(batch_size_));
  TrainingStep step;
  std::vector<std::span<const int64_t>> yeses_of;
  for (const int64_t place : places) {
    const auto own = yeses(place);
    detail::KeyedRandom random(detail::random_key(seed_, "positive", {cycle_, epoch, documents_[place]}));
    step.documents.push_back(documents_[place]);
    step.labels.push_back(own[random.below(static_cast<int64_t>(own.size()))]);
    yeses_of.push_back(own);
  }
  step.yeses = BatchYeses(step.labels, yeses_of);
  return step;
}

}  // namespace lmtx
