// The steps of the paper's training: documents with a yes of each, and the triplet loss. Internal.
#pragma once

#include <cstdint>

#include "lmtx/export.h"
#include "lmtx/train/training_plan.h"
#include "lmtx/train/training_steps.h"
#include "lmtx/train/training_texts.h"

namespace lmtx {

class LMTX_API TripletSteps final : public TrainingSteps {
 public:
  // `plan` and `options` outlive this.
  TripletSteps(const TrainingPlan& plan, TrainingTexts texts, const TrainerOptions& options, int64_t cycle);

  int64_t num_steps() const override { return plan_.num_steps(); }
  TrainingBatch batch(int64_t t) const override;
  void add_to(detail::Hasher& key) const override;

 private:
  const TrainingPlan& plan_;
  const TrainingTexts texts_;
  const TrainerOptions& options_;
  const int64_t cycle_;
};

}  // namespace lmtx
