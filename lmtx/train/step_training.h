// Trains a model on steps of any kind. Internal.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <stop_token>

#include "lmtx/event.h"
#include "lmtx/export.h"
#include "lmtx/nn/sentence_model.h"
#include "lmtx/train/options.h"
#include "lmtx/train/training_steps.h"

namespace lmtx {

struct StepTrainingInput {
  // The weights to start from; not changed.
  const SentenceModel& start;
  const TrainingSteps& steps;
  // Rate, schedule, optimizer, dropout and the machine; what makes the batches is the steps' own affair. All are in the key of checkpoints.
  const TrainerOptions& options;
  // Of the events.
  int64_t cycle = -1;
  // Where step checkpoints go; made if missing. Empty: none are written.
  std::filesystem::path checkpoint_folder = {};
  // Of a schedule that these steps are a part of.
  int64_t steps_before = 0;
  int64_t steps_after = 0;
};

struct StepTrainingResult {
  // Detached; null where there are no steps.
  std::shared_ptr<SentenceModel> student;
  int64_t steps = 0;
  // Mean loss of the first and the last tenth of the steps.
  double first_loss = 0;
  double last_loss = 0;
};

// Takes each step once: the gradients of its batch's loss (add_batch_gradients()), then AdamW. A batch over the token budget is embedded in parts. Goes on from
// the newest checkpoint in the folder that belongs to the same steps, options and start, and ends with the weights of an uninterrupted call, bit for bit (on a
// card with `deterministic`). Events are of the stage "train". Throws Stopped; an unfinished step is discarded.
LMTX_API StepTrainingResult train_steps(const StepTrainingInput& input, const EventCallback& on_event = {}, std::stop_token stop = {});

}  // namespace lmtx
