// How likely a yes is, by the score of a proposal. Internal.
#pragma once

#include <span>

#include "lmtx/export.h"

namespace lmtx {

// p(score) = sigmoid(slope * score + offset), rising. An immutable value.
class LMTX_API ScoreFit {
 public:
  // Of the targets, in [0, 1], at these scores: logistic regression with a standard normal prior on the slope, per standard deviation of the scores, and one
  // judgment of 1/2 in their middle. Where fewer than ten scores came, they are all alike, or targets fall with them, it is flat, at the mean.
  static ScoreFit of(std::span<const float> scores, std::span<const float> targets);

  double operator()(double score) const;
  // Whether scores tell nothing.
  bool is_flat() const { return slope_ == 0; }

 private:
  ScoreFit(double slope, double offset) : slope_(slope), offset_(offset) {}

  double slope_, offset_;
};

}  // namespace lmtx
