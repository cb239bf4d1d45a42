// What a run may spend.
#pragma once

#include <cstdint>
#include <optional>

namespace lmtx {

struct Budget {
  // Distinct pairs that the run uses, each counted once, scored or abstained, development pairs included, failed ones not; unset means no limit.
  std::optional<int64_t> judgments = {};
  // Count pairs that the store held before the run, too (benchmarks set it, so that arms can share a store).
  bool charge_stored = false;
};

}  // namespace lmtx
