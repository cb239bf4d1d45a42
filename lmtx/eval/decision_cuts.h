// One cut for one sample of pairs, by each of the aims of DecisionRule. Internal.
#pragma once

#include <cstdint>

#include "lmtx/eval/decision_sample.h"

namespace lmtx::detail {

struct DecisionAim {
  DecisionKind kind = DecisionKind::precision;
  // The target precision, the number of tags or the coverage.
  double aim = 0;
  double confidence = 0.975;
  uint64_t seed = 0;
};

// Without `group` and `labels`. What it falls back to where it is thin: `nothing` for precision, else `everything`.
DecisionCut fit_cut(const DecisionSample& sample, const DecisionAim& aim);

}  // namespace lmtx::detail
