// The steps of a training on all judgments. Internal.
#pragma once

#include <cstdint>

#include "lmtx/export.h"
#include "lmtx/train/judged_plan.h"
#include "lmtx/train/training_steps.h"
#include "lmtx/train/training_texts.h"

namespace lmtx {

// Left texts are documents, right texts labels; the loss is JudgedLoss.
class LMTX_API JudgedSteps final : public TrainingSteps {
 public:
  // `plan` and `options` outlive this.
  JudgedSteps(const JudgedPlan& plan, TrainingTexts texts, const TrainerOptions& options, int64_t cycle);

  int64_t num_steps() const override { return plan_.num_steps(); }
  TrainingBatch batch(int64_t t) const override;
  void add_to(detail::Hasher& key) const override;

 private:
  const JudgedPlan& plan_;
  const TrainingTexts texts_;
  const TrainerOptions& options_;
  const int64_t cycle_;
};

}  // namespace lmtx
