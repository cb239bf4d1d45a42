#include "lmtx/train/judged_steps.h"

#include <memory>
#include <utility>

#include "lmtx/detail/random.h"
#include "lmtx/train/judged_losses.h"

namespace lmtx {

JudgedSteps::JudgedSteps(const JudgedPlan& plan, TrainingTexts texts, const TrainerOptions& options, int64_t cycle)
    : plan_(plan), texts_(std::move(texts)), options_(options), cycle_(cycle) {}

TrainingBatch JudgedSteps::batch(int64_t t) const {
  const JudgedStep step = plan_.step(t);
  JudgedBatch judged = JudgedBatch::of(step.rows, static_cast<int64_t>(step.labels.size()));
  return texts_.batch(step.documents, step.labels, std::make_shared<JudgedLoss>(std::move(judged), JudgedLossOptions::of(options_)),
                      detail::random_key(options_.seed, "dropout", {cycle_, t}));
}

void JudgedSteps::add_to(detail::Hasher& key) const {
  key.add("judged steps 1");
  texts_.add_to(key);
  plan_.add_to(key);
}

}  // namespace lmtx
