// Pairs with made-up scores, gold, weights and documents.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "lmtx/detail/random.h"
#include "lmtx/eval/calibration.h"

namespace lmtx {

struct JudgedPairs {
  std::vector<double> scores, gold, weights;
  std::vector<int64_t> documents;
  GoldPairs view() const { return {.scores = scores, .gold = gold, .weights = weights, .documents = documents}; }
};

// Scores in steps of .05, so that many tie; the higher, the likelier true.
inline JudgedPairs make_pairs(int64_t n, uint64_t seed, bool weighted = false, double abstained = 0) {
  detail::KeyedRandom random(detail::random_key(seed, "pairs"));
  JudgedPairs pairs;
  for (int64_t i = 0; i < n; ++i) {
    const double score = static_cast<double>(random.below(21)) / 20;
    pairs.gold.push_back(random.uniform() < 0.1 + 0.6 * score * score ? 1 : 0);
    pairs.scores.push_back(random.uniform() < abstained ? std::numeric_limits<double>::quiet_NaN() : score);
    pairs.documents.push_back(1000 - random.below(n / 5 + 1));
    if (weighted) pairs.weights.push_back(static_cast<double>(random.below(4)) / 2);
  }
  return pairs;
}

}  // namespace lmtx
