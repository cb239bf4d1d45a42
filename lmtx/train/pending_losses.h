// Losses that a card has not said yet. Internal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

#include "lmtx/train/card.h"

namespace lmtx {

struct StepLoss {
  int64_t step = 0;
  double value = 0;
};

// Oldest first.
class PendingLosses {
 public:
  void add(int64_t step, card::DeferredNumber loss) { pending_.push_back({step, std::move(loss)}); }
  // The oldest, where it is there or more than `most` are pending.
  std::optional<StepLoss> take(size_t most) {
    if (pending_.empty() || (pending_.size() <= most && !pending_.front().value.is_there())) return std::nullopt;
    const StepLoss loss{pending_.front().step, pending_.front().value.get()};
    pending_.pop_front();
    return loss;
  }

 private:
  struct Pending {
    int64_t step;
    card::DeferredNumber value;
  };
  std::deque<Pending> pending_;
};

}  // namespace lmtx
