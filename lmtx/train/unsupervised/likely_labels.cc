#include "lmtx/train/unsupervised/likely_labels.h"

#include <algorithm>
#include <cstddef>

namespace lmtx {

namespace {

float first_score(const Shortlists& ranked, size_t i) { return ranked.scores[i * static_cast<size_t>(ranked.k)]; }

// Which documents are among the half, rounded up, with the largest first scores; of equal ones the first.
std::vector<bool> find_upper_half(const Shortlists& ranked) {
  std::vector<size_t> order(ranked.documents.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return first_score(ranked, a) > first_score(ranked, b); });
  std::vector<bool> is_upper(order.size());
  for (size_t i = 0; i < (order.size() + 1) / 2; ++i) is_upper[order[i]] = true;
  return is_upper;
}

}  // namespace

LabelPairs likely_labels(const Shortlists& ranked, std::span<const TfidfIndex::Match> matches) {
  const std::vector<bool> is_upper = find_upper_half(ranked);
  LabelPairs pairs;
  const auto add = [&](size_t i, int64_t label) {
    pairs.documents.push_back(ranked.documents[i]);
    pairs.labels.push_back(label);
  };
  for (size_t i = 0; i < ranked.documents.size(); ++i) {
    const int64_t ranked_first = ranked[static_cast<int64_t>(i)][0], matched = matches[i].label;
    if (is_upper[i]) add(i, ranked_first);
    if (matched >= 0 && !(is_upper[i] && matched == ranked_first)) add(i, matched);
  }
  return pairs;
}

}  // namespace lmtx
