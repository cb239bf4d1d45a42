// How many tokens are computed at once where nobody says. Internal: no public header includes it.
#pragma once

#include <cstdint>

#include "lmtx/encoder.h"

namespace lmtx::detail {

// Few enough for the caches of a processor; enough to keep a card busy for some milliseconds, which hides what starts them.
inline int64_t token_budget_of(const EncodeOptions& options, bool on_cpu) {
  if (options.token_budget != 0) return options.token_budget;
  if (on_cpu) return 4096;
  return options.dtype == ComputeDtype::float32 ? 16384 : 32768;
}

}  // namespace lmtx::detail
