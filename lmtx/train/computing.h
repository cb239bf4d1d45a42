// What a run's options leave to the machine. Internal.
#pragma once

#include <cstdint>

#include "lmtx/compute_dtype.h"
#include "lmtx/export.h"
#include "lmtx/nn/sentence_model.h"
#include "lmtx/train/options.h"

namespace lmtx {

struct Computing {
  ComputeDtype dtype = ComputeDtype::float32;
  int64_t train_token_budget = 16384;
  int64_t search_token_budget = 4096;
  // Whether something has to be done for it: never on the CPU, where it is always so.
  bool deterministic = false;
};

// Throws std::invalid_argument where the model's device cannot compute it in the dtype that is asked for.
LMTX_API Computing resolve_computing(const TrainerOptions& options, const SentenceModel& model);

}  // namespace lmtx
