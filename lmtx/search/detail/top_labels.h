// The k best labels seen so far.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace lmtx::detail {

struct ScoredLabel {
  float score;
  int64_t label;
};

// Better by score; equal scores by the smaller label number.
inline bool ranks_before(const ScoredLabel& a, const ScoredLabel& b) { return a.score != b.score ? a.score > b.score : a.label < b.label; }

// Keeps each label once, with its best score.
class TopLabels {
 public:
  // k >= 1.
  explicit TopLabels(int64_t k) : k_(static_cast<size_t>(k)) {}

  // Merges what is in `more`, labels possibly several times, and leaves it empty.
  void merge(std::vector<ScoredLabel>& more);
  bool full() const { return best_.size() == k_; }
  // The k-th best score; only where full().
  float worst() const { return worst_; }
  // At most k, best first.
  std::vector<ScoredLabel> sorted() const;

 private:
  size_t k_;
  float worst_ = 0;
  std::vector<ScoredLabel> best_;  // in any order
};

}  // namespace lmtx::detail
