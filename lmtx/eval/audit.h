// How good a teacher's scores are, against pairs whose truth is known.
#pragma once

#include <cstdint>
#include <span>
#include <stop_token>
#include <vector>

#include "lmtx/eval/bootstrap.h"
#include "lmtx/eval/calibration.h"
#include "lmtx/export.h"

namespace lmtx {

struct AuditOptions {
  // Scores from here up are a yes.
  double cut = 0.5;
  // Of equal width, for the calibration error and the reliability bins.
  int64_t bins = 10;
  // Of the intervals, which draw documents with replacement: pairs of one document are not independent.
  double level = 0.95;
  int64_t resamples = 1000;
  uint64_t seed = 0;
};

// Pairs whose score lies in (low, high], the first bin with its low end: what the teacher says there, and what is true.
struct ReliabilityBin {
  double low = 0;
  double high = 0;
  // The weights of its pairs, summed; NaN for the other two where that is 0.
  double weight = 0;
  double mean_score = 0;
  double share_true = 0;
};

// Fractions. All but `abstention_rate` are about the pairs that have a score, and count each pair with its weight. NaN: nothing to divide by, as in precision
// without a yes.
struct Audit {
  // With and without a score; among them the abstentions; documents that they are about.
  int64_t pairs = 0;
  int64_t abstained = 0;
  int64_t documents = 0;
  double cut = 0.5;
  // Weights of the pairs by what the teacher says, and whether that is right; counts where pairs have no weights.
  double true_yes = 0;
  double false_yes = 0;
  double false_no = 0;
  double true_no = 0;

  // Of the yeses the true ones; of the true pairs those that got a yes (sensitivity); of the others those that got a no.
  Interval precision = {};
  Interval recall = {};
  Interval specificity = {};
  // 2 true_yes / (2 true_yes + false_yes + false_no).
  Interval f1 = {};
  Interval accuracy = {};
  // The chance that a true pair scores above one that is not; ties count half.
  Interval auc = {};
  // Mean of (score - gold)^2, and of -log of what the score gives to the truth, scores cut to [2^-52, 1 - 2^-52].
  Interval brier = {};
  Interval log_loss = {};
  // Mean over the pairs of |mean score - share true| of their bin.
  Interval calibration_error = {};
  // Pairs with a yes, and true ones.
  Interval yes_rate = {};
  Interval gold_rate = {};
  // Of all pairs.
  Interval abstention_rate = {};

  std::vector<ReliabilityBin> bins = {};
  // The cut with the highest F1 on these very pairs (so a little too good to be true), the highest such, and that F1; NaN without a true pair.
  double best_cut = 0;
  double best_f1 = 0;
};

// Throws std::invalid_argument for lists of unequal lengths, wrong scores, gold or weights, no pair at all, fewer than one bin or resample, or a level outside
// (0, 1); a stop request ends it with lmtx::Stopped.
LMTX_API Audit audit(const GoldPairs& pairs, const AuditOptions& options = {}, const std::stop_token& stop = {});

}  // namespace lmtx
