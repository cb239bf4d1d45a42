// How long a training is. Internal.
#pragma once

#include <algorithm>
#include <cstdint>

#include "lmtx/train/options.h"

namespace lmtx {

// `epochs` passes, or more where they make fewer than `steps`: then so many steps, but no more than `max_epochs` passes make. The last pass may be cut short.
inline int64_t num_steps_of(int64_t steps_per_epoch, const TrainerOptions& options) {
  return std::max(steps_per_epoch * options.epochs, std::min(options.steps, steps_per_epoch * options.max_epochs));
}

}  // namespace lmtx
