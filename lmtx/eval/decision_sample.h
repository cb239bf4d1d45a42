// Pairs as cuts are fitted to them. Internal.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "lmtx/eval/decision_rule.h"

namespace lmtx::detail {

struct DecisionPair {
  double score = 0;
  // 1, 0 or NaN.
  double gold = 0;
  double weight = 1;
  // Numbered from 0.
  int64_t document = 0;
  // -1 where labels were not given.
  int64_t label = -1;

  bool candidate() const;
  bool known() const;
  bool yes() const { return gold == 1; }
};

// Candidates by falling score, then the true labels that were no candidates.
struct DecisionSample {
  // Checked; of each document the k_most best stay candidates. Pairs of weight 0 are left out, and what was no candidate and is not true.
  static DecisionSample take(const DecisionPairs& pairs, int64_t k_most);
  DecisionSample filtered(const std::function<bool(int64_t label)>& wanted) const;

  std::vector<DecisionPair> pairs;
  // All that there are, also those that filtered() left nothing of.
  int64_t num_documents = 0;

  // What a DecisionCut says of its evidence.
  int64_t known() const;
  int64_t yeses() const;
  int64_t documents_with(const std::function<bool(const DecisionPair&)>& wanted) const;
};

// Calls at_cut(i) where pairs[0..i) is all that a cut can take in: after the last of each run of equal scores of candidates.
void for_each_cut(const DecisionSample& sample, const std::function<void(size_t)>& at_cut);

}  // namespace lmtx::detail
