// What a run has spent of its budget. Internal.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>

#include "lmtx/teacher/budget.h"

namespace lmtx {

class Spending {
 public:
  // Of `budget`, `spent` pairs are gone already.
  Spending(const Budget& budget, int64_t spent)
      : left_(budget.judgments ? std::max<int64_t>(0, *budget.judgments - spent) : std::numeric_limits<int64_t>::max()) {}

  // Puts `pairs` aside for a later stage.
  void keep_back(int64_t pairs) { left_ -= std::min(left_, pairs); }
  // Takes one pair; false where nothing is left.
  bool take() {
    if (left_ == 0) return false;
    --left_;
    return true;
  }
  // Gives back a pair that was taken but not used.
  void give_back() { ++left_; }
  int64_t left() const { return left_; }

 private:
  int64_t left_;
};

}  // namespace lmtx
