#include "lmtx/search/detail/top_labels.h"

#include <algorithm>

namespace lmtx::detail {
namespace {

void keep_best_of_each_label(std::vector<ScoredLabel>& entries) {
  const auto by_label = [](const ScoredLabel& a, const ScoredLabel& b) { return a.label != b.label ? a.label < b.label : a.score > b.score; };
  std::sort(entries.begin(), entries.end(), by_label);
  const auto same_label = [](const ScoredLabel& a, const ScoredLabel& b) { return a.label == b.label; };
  entries.erase(std::unique(entries.begin(), entries.end(), same_label), entries.end());
}

}  // namespace

void TopLabels::merge(std::vector<ScoredLabel>& more) {
  best_.insert(best_.end(), more.begin(), more.end());
  more.clear();
  keep_best_of_each_label(best_);
  if (best_.size() > k_) {
    std::nth_element(best_.begin(), best_.begin() + static_cast<std::ptrdiff_t>(k_) - 1, best_.end(), ranks_before);
    best_.resize(k_);
  }
  if (full()) worst_ = std::max_element(best_.begin(), best_.end(), ranks_before)->score;
}

std::vector<ScoredLabel> TopLabels::sorted() const {
  std::vector<ScoredLabel> sorted = best_;
  std::sort(sorted.begin(), sorted.end(), ranks_before);
  return sorted;
}

}  // namespace lmtx::detail
