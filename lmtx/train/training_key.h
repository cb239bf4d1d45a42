// What tells one training's checkpoints from another's. Internal.
#pragma once

#include "lmtx/detail/digest.h"
#include "lmtx/export.h"
#include "lmtx/nn/sentence_model.h"
#include "lmtx/train/computing.h"
#include "lmtx/train/options.h"
#include "lmtx/train/training_steps.h"

namespace lmtx {

// Of everything that the trained weights depend on, but for what TrainingSteps::add_to() leaves out.
LMTX_API detail::Digest training_key(const SentenceModel& start, const TrainingSteps& steps, const TrainerOptions& options, const Computing& computing);

}  // namespace lmtx
