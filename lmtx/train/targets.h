// From a teacher's scores to what a student is to learn. Internal.
#pragma once

#include <cstdint>
#include <span>

#include "lmtx/export.h"
#include "lmtx/train/judged_document.h"
#include "lmtx/train/options.h"

namespace lmtx {

struct TargetSummary {
  // Pairs that rates were taken over, and the share of yes among them by the scores.
  int64_t sample = 0;
  double observed_rate = 0;
  // What the mean target over them was brought to, and the shift that did it; both 0 where scores were not shifted.
  double yes_rate = 0;
  double shift = 0;
  int64_t positives = 0;
  int64_t negatives = 0;
  int64_t soft = 0;
};

// Sets target, weight and use of every judged label from its score p.
//
// `targets` "hard": 1 and positive for a yes, else 0 and negative; all weigh 1.
//
// "shifted": with t = logit(p), p cut to [.01, .99], the target is q = sigmoid(a t + b), a = `score_slope`. b is such that the mean of q over the sample is the
// true rate of yeses: the pairs drawn at random, or all where there are none, each as often as it `stands_for`. The rate is `yes_rate`; -1 takes half the
// observed rate (over pairs drawn at random .10 at most: there it is about a whole shortlist); 0 leaves b = 0. Scores that are all 0 or 1 say nothing about
// which yeses are wrong, and are never shifted. Then two cuts: positives are yeses, those with the highest q, as many as have a mean of q of `positive_mean` at
// least (equal q together), besides each document's best yeses where their q is over .4; negatives have q < `negative_below`; both weigh 1. The rest is soft
// and weighs max(.2, |2 q - 1|).
//
// Sources: prior adaptation of LLM classifiers, arXiv 2307.06713; LLM judges say yes too often, arXiv 2501.17969. The cuts and the automatic rate are ours.
LMTX_API TargetSummary assign_targets(std::span<JudgedDocument> judged, const TrainerOptions& options);

}  // namespace lmtx
