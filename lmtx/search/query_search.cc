#include <algorithm>
#include <cmath>
#include <limits>

#include "lmtx/search/detail/dot.h"
#include "lmtx/search/detail/search_state.h"

namespace lmtx::detail {

RowOffsets::RowOffsets(const IndexState& index, const LabelFilter& filter)
    : index_(index), allow_(filter.allow.begin(), filter.allow.end()), deny_(filter.deny.begin(), filter.deny.end()) {
  trivial_ = allow_.empty() && deny_.empty() && index.removed.empty() && index.biases.empty();
  for (const auto& [label, bias] : index.biases) {
    largest_ = std::max(largest_, bias);
    largest_size_ = std::max(largest_size_, std::abs(bias));
  }
}

float RowOffsets::of(int64_t segment, int64_t label) const {
  const bool allowed = (allow_.empty() || allow_.contains(label)) && !deny_.contains(label) && index_.alive(segment, label);
  if (!allowed) return -std::numeric_limits<float>::infinity();
  const auto bias = index_.biases.find(label);
  return bias == index_.biases.end() ? 0.0f : bias->second;
}

float QuerySearch::bar(double error) const {
  constexpr float lowest = std::numeric_limits<float>::lowest();
  if (!top_.full()) return lowest;
  const double bar = top_.worst() - error;
  return bar <= lowest ? lowest : std::nextafter(static_cast<float>(bar), lowest);
}

void QuerySearch::settle() {
  for (const Candidate& c : waiting_) scored_.push_back({static_cast<float>(exact_dot(query_, c.row, dim_) + c.offset), c.label});
  waiting_.clear();
  top_.merge(scored_);
}

}  // namespace lmtx::detail
