// Ranked labels of some texts, as many for each as there are.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace lmtx {

// List i is labels and scores [offsets[i], offsets[i + 1]), best first, each label once.
struct RankedLists {
  // From 0; one more than there are lists.
  std::vector<int64_t> offsets{0};
  std::vector<int64_t> labels;
  std::vector<float> scores;

  int64_t size() const { return static_cast<int64_t>(offsets.size()) - 1; }
  std::span<const int64_t> labels_of(int64_t i) const { return std::span(labels).subspan(offsets[i], offsets[i + 1] - offsets[i]); }
  std::span<const float> scores_of(int64_t i) const { return std::span(scores).subspan(offsets[i], offsets[i + 1] - offsets[i]); }
  bool operator==(const RankedLists&) const = default;
};

}  // namespace lmtx
