// How many of the ranked labels become tags: a rule fitted to pairs whose truth is known. More in docs/decisions.md.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lmtx/eval/bootstrap.h"
#include "lmtx/eval/calibration.h"
#include "lmtx/export.h"

namespace lmtx {

enum class DecisionKind { top, precision, f1, number, coverage };

// "top", "precision", "f1", "number" or "coverage".
LMTX_API const char* to_string(DecisionKind kind);

// What rules are fitted to, held out from training: all [n], pair i in entry i. Pairs of documents with their candidates, and true labels that were no
// candidates.
struct DecisionPairs {
  // Cosines, as Tag::score; -infinity for a label that was not among its document's candidates.
  std::span<const double> scores;
  // 1 where the label fits, else 0; NaN where nobody knows: such pairs only count where tags are counted.
  std::span<const double> gold;
  // How many pairs it stands for, 0 or more, where the sample is not even (1 / the chance that it was drawn, say); empty: each 1.
  std::span<const double> weights = {};
  // Which document it is about, by any number; empty: each about another one.
  std::span<const int64_t> documents = {};
  // Which label it is about, by its number; needed for groups.
  std::span<const int64_t> labels = {};
};

// Labels that share a cut of their own.
struct LabelGroup {
  std::string name = {};
  // Numbers in the tagger's LabelSet.
  std::vector<int64_t> labels = {};
};

struct DecisionOptions {
  // Of each document so many candidates count, the best; a rule never gives more tags.
  int64_t k_most = 100;
  // Of intervals and of the promised precision, one-sided.
  double confidence = 0.975;
  // A label is in one group at most. Labels in none, or in one with too little evidence, share the common cut, which is fitted to their pairs.
  std::vector<LabelGroup> groups = {};
  // Whose verdicts `gold` is: the identity of a teacher. Empty: what is true.
  std::string judge = {};
  // Fit a calibration, too, for Tag::probability.
  bool calibrate = true;
  // Draws the parts of the calibration's cross-validation, and the bootstrap's documents.
  uint64_t seed = 0;
};

// A cut and what it was found on.
struct DecisionCut {
  static constexpr double everything = -std::numeric_limits<double>::infinity();
  static constexpr double nothing = std::numeric_limits<double>::infinity();
  static constexpr Interval unknown() {
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    return {.value = nan, .low = nan, .high = nan};
  }

  // Empty for the common cut.
  std::string group = {};
  // Ascending; empty for the common cut.
  std::vector<int64_t> labels = {};
  // Labels with this score or a higher one become tags.
  double score = everything;
  // What the aim is about, on the pairs that it was fitted to: precision, F1, tags a document, or the share of a document's true labels that become tags.
  // Where no cut meets the aim: that of the best one. NaN: not known.
  Interval estimate = unknown();
  // For precision: what as many fresh texts would show. Wider than the estimate's interval, since chance has a hand in these, too.
  Interval fresh = unknown();
  // Candidates whose truth is known, the true ones among them, and documents (for coverage: those with a true label).
  int64_t pairs = 0;
  int64_t yeses = 0;
  int64_t documents = 0;
  // How many would be needed; 0: does not matter.
  int64_t pairs_needed = 0;
  int64_t documents_needed = 0;
  // Whether the aim is met.
  bool met = true;

  // The evidence is less than what is needed.
  bool thin() const { return pairs < pairs_needed || documents < documents_needed; }
};

// An immutable value, cheap to copy. Kept in a tagger's settings.json: docs/formats/tagger.md.
//
// All fits throw std::invalid_argument for lists of unequal lengths, a score that is NaN or +infinity, gold that is neither 0, 1 nor NaN, a weight that is
// negative or not finite, groups without `labels` or that share one, and options out of range. They also fit a calibration, lmtx::Calibration of
// (1 + score) / 2, where there are yeses and noes enough for one.
class LMTX_API DecisionRule {
 public:
  // Below so many gold pairs a promise is not worded "by gold", and the evidence counts as thin.
  static constexpr int64_t fewest_gold = 300;
  // Documents for a cut by F1 or by number, and for a group of any kind.
  static constexpr int64_t fewest_documents = 30;
  // The tags that a cut by F1 falls back to.
  static constexpr int64_t few_tags = 5;

  // The 5 best labels.
  DecisionRule();
  // The k best labels. Throws std::invalid_argument for k < 1.
  static DecisionRule top(int64_t k);

  // The lowest cut at which the lower confidence bound of the precision of all tags together (not text by text) is at least `target`: the bound of Clopper and
  // Pearson (1934) at the effective sample size under draws of documents (Korn and Graubard 1998). Where no cut qualifies there are no tags, and the estimate
  // is the precision with the highest bound. `target` lies between 0 and 1.
  static DecisionRule by_precision(const DecisionPairs& pairs, double target, const DecisionOptions& options = {});
  // The cut whose tags have the highest F1, pairs of all documents together; of equal ones the highest. Too little evidence: the 5 best labels.
  static DecisionRule by_f1(const DecisionPairs& pairs, const DecisionOptions& options = {});
  // The lowest cut with `number` tags a document at most, on average; with groups, that many of each, and of all other labels together. Gold need not be known,
  // but of each document all candidates. Too little evidence: the best labels, `number` of them (rounded, at least 1).
  static DecisionRule by_number(const DecisionPairs& pairs, double number, const DecisionOptions& options = {});
  // The highest cut that misses at most a share 1 - coverage of true labels: for a text drawn like those of the fit, one of its true labels, drawn at random,
  // becomes a tag with a chance of at least `coverage`, on average over fits and texts (marginal). Conformal risk control over documents, with the share of
  // true labels missed as the loss (Angelopoulos et al. 2022, arXiv 2208.02814), which for one label a text is split conformal prediction (Angelopoulos and
  // Bates 2021, arXiv 2107.07511); all true labels of a document must be among its pairs. Where that is not reached, all candidates become tags.
  static DecisionRule by_coverage(const DecisionPairs& pairs, double coverage, const DecisionOptions& options = {});

  DecisionKind kind() const;
  // Tags a text at most, and so the candidates to search for.
  int64_t k() const;
  // The target precision, number of tags, or coverage; NaN for the other kinds.
  double aim() const;
  double confidence() const;
  // See DecisionOptions.
  const std::string& judge() const;
  // The common cut, then those of groups.
  const std::vector<DecisionCut>& cuts() const;
  const DecisionCut& cut_of(int64_t label) const;
  // Whether a candidate, one of the k() best, becomes a tag.
  bool keeps(int64_t label, double score) const { return score >= cut_of(label).score; }

  // Null where there were too few yeses or noes to fit one.
  const Calibration* calibration() const;
  // Of the label with this score being right; unset without a calibration.
  std::optional<double> probability(double score) const;
  // The same rule with another calibration, of (1 + score) / 2.
  DecisionRule with_calibration(Calibration calibration) const;

  // Some evidence is less than what is needed, or a promise by gold has fewer than `fewest_gold` pairs.
  bool thin() const;
  // Some text may have tags.
  bool gives_tags() const;
  // A sentence or two for people: what becomes a tag, what is promised by whom, and where the evidence is too thin what would be needed.
  std::string describe() const;

 private:
  struct Impl;
  friend struct DecisionRuleJson;
  explicit DecisionRule(std::shared_ptr<const Impl> impl);
  static DecisionRule fit(const DecisionPairs& pairs, DecisionKind kind, double aim, const DecisionOptions& options);
  std::shared_ptr<const Impl> impl_;
};

}  // namespace lmtx
