// Probabilities and their odds, as targets are made of them. Internal.
#pragma once

#include <algorithm>
#include <cmath>

#include "lmtx/detail/odds.h"
#include "lmtx/train/judged_document.h"

namespace lmtx {

using detail::find_shift;
using detail::logit;
using detail::sigmoid;

// Scores of a teacher beyond are as good as certain.
inline constexpr double surest_score = 0.99;

// What a pair counts whose target is q: the less, the less sure that is.
inline double weight_of_target(double q) { return std::max(0.2, std::abs(2 * q - 1)); }

// Positives are the pairs that may be one with a target from `lowest` up, and the document's best of them where that is above .4; of the others negatives are
// below `negative_below`.
template <typename MayBePositive>
void set_uses(JudgedDocument& document, double lowest, double negative_below, const MayBePositive& may_be_positive) {
  constexpr double best_above = 0.4;
  double best = 0;
  for (const JudgedLabel& label : document.labels) {
    if (may_be_positive(label)) best = std::max(best, label.target);
  }
  for (JudgedLabel& label : document.labels) {
    const double q = label.target;
    const bool positive = may_be_positive(label) && (q >= lowest || (q == best && best > best_above));
    label.use = positive ? PairUse::positive : q < negative_below ? PairUse::negative : PairUse::soft;
  }
}

}  // namespace lmtx
