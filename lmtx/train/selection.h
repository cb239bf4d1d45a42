// Which cycle's student is kept, by verdicts on documents held out for all cycles together. Internal.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lmtx/eval/bootstrap.h"
#include "lmtx/eval/metrics.h"
#include "lmtx/export.h"
#include "lmtx/train/asked_pairs.h"
#include "lmtx/train/asking_streams.h"

namespace lmtx {

struct TrainerOptions;

// --- the questions ---

// How many documents are held out where `judgments` may be asked in all: what 8 % of these pay for at five labels each, but 150 to 800, and at most a quarter
// of all; no limit of judgments: 800.
LMTX_API int64_t held_out_size(int64_t documents, std::optional<int64_t> judgments);

// The first `depth` labels of each ranking on the documents held out, without those that are known: at most `limit` pairs, the first labels of all rankings and
// documents before any second one. `documents` rise; a ranking has a list of label numbers for each, best first. The last `num_last` rankings wait at each
// place until all documents had those of the others. Labels of a document come in the order in which they are taken.
LMTX_API AskedPairs held_out_questions(std::span<const int64_t> documents, std::span<const RankedLabels> rankings, std::span<const PastPair> known,
                                       int64_t depth, int64_t limit, size_t num_last = 0);

// What the label ranked first is worth: its target for each document, NaN where there is no verdict. `verdicts`: by rising document and label, as past_pairs()
// gives them. The mean is the expected precision@1.
LMTX_API std::vector<double> first_targets(std::span<const int64_t> documents, const RankedLabels& ranked, std::span<const PastPair> verdicts);

// Their mean over the documents that have one, with an interval; unset for none.
LMTX_API std::optional<Interval> expected_precision(std::span<const double> targets);

// --- the decision ---

// A way of tagging that may be kept.
struct Candidate {
  // Whose student; -1: the base encoder.
  int64_t cycle = -1;
  // How far labels are moved to their prototypes.
  double prototype_weight = 0;
  // Of its first labels on the documents held out, by the newest verdicts: first_targets().
  std::vector<double> targets;
};

// Place of the best in the mean: of two, the one that is better over the documents on which both have a verdict; of equals the first. There is one at least.
LMTX_API size_t best_in_mean(std::span<const Candidate> candidates);

struct SelectionOptions {
  // A cycle takes the place of the best so far where a paired bootstrap says that it is better with at least this probability.
  double accept_confidence = 0.8;
  // Cycles in a row that do not, after which the run ends.
  int64_t patience = 2;

  static SelectionOptions of(const TrainerOptions& options);
};

struct Selected {
  // Place among the candidates.
  int64_t best = 0;
  // Cycles after the best one.
  int64_t without_gain = 0;
  // Of each candidate: the probability that it is better than what was best before its cycle; 0.5 for the first.
  std::vector<double> better;
  // No cycle is worth another try.
  bool is_over = false;
};

// Goes through the candidates, which come by rising cycle; the first is the untouched base encoder, and all have the same documents. Of those of one cycle the
// best in the mean stands for it (of equals the first), and takes the place of the best of earlier ones under the rule above. Where two are compared, documents
// count on which both have a verdict. What is kept is never worse in the mean than the first.
LMTX_API Selected select_student(std::span<const Candidate> candidates, const SelectionOptions& options);

// Why no student was kept, for the user; where there is one.
LMTX_API std::string why_base_was_kept(std::span<const Candidate> candidates, const SelectionOptions& options);

}  // namespace lmtx
