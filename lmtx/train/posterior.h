// What a verdict is worth beside what was to be expected. Internal.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "lmtx/export.h"
#include "lmtx/train/judged_document.h"
#include "lmtx/train/options.h"

namespace lmtx {

// Of a pair, before anybody judged it.
struct PairFeatures {
  // Of document and label by the untouched encoder.
  float cosine = 0;
  // Its BM25 score, divided by the document's best one; 0 without a word in common.
  float words = 0;
};

struct PosteriorSummary {
  // Judged pairs, and the share of yes among them.
  int64_t pairs = 0;
  double observed_rate = 0;
  // The share of noes that the teacher is taken to call yes; 0 where there were too few verdicts, and they were taken at their word.
  double false_yes_rate = 0;
  // The mean target.
  double mean_target = 0;
  int64_t positives = 0;
};

// Sets target, weight and use of every judged label: the probability that it fits, given the verdict and what else is known of the pair.
//
// 1. A logistic regression predicts the teacher's yes from the pair's features and, as far as `label_evidence` says, from the label's verdicts on other
// documents (-1: less, the more its scores grade). 2. What it still predicts for
// the least likely pairs (the 15 % quantile, .4 at most) is the teacher's rate of false yeses e0; that of false noes e1 is `false_no_rate`. So the prior
// probability that a pair fits is (p - e0) / (1 - e0 - e1). 3. Bayes: its odds times (1 - e1) / e0 after a yes, times e1 / (1 - e0) after a no. Where scores
// between agree with the prior inside the yeses and inside the noes, they count by their logits, on a line through these two; then, as far as they count, all
// odds are shifted so that the mean target is half the share of yeses (`yes_rate` -1; 0: no shift; above 0: that is the mean, whatever scores tell). 4.
// Positives are the pairs with the highest targets, as many as have a mean of `positive_mean`, besides each document's best where that is above .4; negatives
// are below `negative_below`. All weigh max(.2, |2 q - 1|).
//
// The error rates are those of Dawid and Skene (1979) with one judge, the prior in the place of other judges. With fewer than 50 verdicts, or all alike, they
// are taken at their word (assign_targets() with "hard").
LMTX_API PosteriorSummary assign_posterior_targets(std::span<JudgedDocument> judged, const TrainerOptions& options,
                                                   const std::function<PairFeatures(int64_t document, int64_t label)>& features_of);

}  // namespace lmtx
