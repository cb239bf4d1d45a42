#include "lmtx/eval/decision_sample.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <unordered_set>

#include "lmtx/eval/gold_checks.h"
#include "lmtx/eval/resampling.h"

namespace lmtx::detail {

namespace {

[[noreturn]] void refuse(const char* name, size_t i, const char* expected, double value) {
  throw std::invalid_argument("`" + std::string(name) + "[" + std::to_string(i) + "]` must be " + expected + ", but is " + std::to_string(value) + " instead.");
}

void check(const DecisionPairs& pairs) {
  const size_t n = pairs.scores.size();
  check_length("gold", pairs.gold.size(), n);
  check_weights(pairs.weights, n);
  check_documents(pairs.documents, n);
  if (!pairs.labels.empty()) check_length("labels", pairs.labels.size(), n);
  for (size_t i = 0; i < n; ++i) {
    const double score = pairs.scores[i], gold = pairs.gold[i];
    if (!(score < DecisionCut::nothing)) refuse("scores", i, "a number, or -infinity for a label that was no candidate", score);
    if (gold != 0 && gold != 1 && !std::isnan(gold)) refuse("gold", i, "0, 1, or NaN where it is not known", gold);
  }
}

void keep_best(std::vector<DecisionPair>& pairs, int64_t num_documents, int64_t k_most) {
  std::vector<int64_t> seen(num_documents, 0);
  for (DecisionPair& pair : pairs) {
    if (pair.candidate() && ++seen[pair.document] > k_most) pair.score = DecisionCut::everything;
  }
  std::erase_if(pairs, [](const DecisionPair& pair) { return !pair.candidate() && !pair.yes(); });
  std::stable_partition(pairs.begin(), pairs.end(), [](const DecisionPair& pair) { return pair.candidate(); });
}

}  // namespace

bool DecisionPair::candidate() const { return score != DecisionCut::everything; }
bool DecisionPair::known() const { return !std::isnan(gold); }

DecisionSample DecisionSample::take(const DecisionPairs& pairs, int64_t k_most) {
  check(pairs);
  const PairDocuments documents(pairs.documents, pairs.scores.size());
  DecisionSample sample{.pairs = {}, .num_documents = documents.count};
  for (size_t i = 0; i < pairs.scores.size(); ++i) {
    const double weight = pairs.weights.empty() ? 1.0 : pairs.weights[i];
    if (weight == 0) continue;
    sample.pairs.push_back({.score = pairs.scores[i],
                            .gold = pairs.gold[i],
                            .weight = weight,
                            .document = documents.of_pair[i],
                            .label = pairs.labels.empty() ? -1 : pairs.labels[i]});
  }
  std::stable_sort(sample.pairs.begin(), sample.pairs.end(), [](const DecisionPair& a, const DecisionPair& b) { return a.score > b.score; });
  keep_best(sample.pairs, sample.num_documents, k_most);
  return sample;
}

DecisionSample DecisionSample::filtered(const std::function<bool(int64_t)>& wanted) const {
  DecisionSample some{.pairs = {}, .num_documents = num_documents};
  std::copy_if(pairs.begin(), pairs.end(), std::back_inserter(some.pairs), [&](const DecisionPair& pair) { return wanted(pair.label); });
  return some;
}

int64_t DecisionSample::known() const {
  return std::count_if(pairs.begin(), pairs.end(), [](const DecisionPair& pair) { return pair.candidate() && pair.known(); });
}

int64_t DecisionSample::yeses() const {
  return std::count_if(pairs.begin(), pairs.end(), [](const DecisionPair& pair) { return pair.candidate() && pair.yes(); });
}

int64_t DecisionSample::documents_with(const std::function<bool(const DecisionPair&)>& wanted) const {
  std::unordered_set<int64_t> documents;
  for (const DecisionPair& pair : pairs) {
    if (wanted(pair)) documents.insert(pair.document);
  }
  return static_cast<int64_t>(documents.size());
}

void for_each_cut(const DecisionSample& sample, const std::function<void(size_t)>& at_cut) {
  const std::vector<DecisionPair>& pairs = sample.pairs;
  for (size_t i = 1; i <= pairs.size() && pairs[i - 1].candidate(); ++i) {
    if (i == pairs.size() || pairs[i].score != pairs[i - 1].score) at_cut(i);
  }
}

}  // namespace lmtx::detail
