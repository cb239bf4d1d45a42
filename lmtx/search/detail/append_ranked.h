// One more list of scored labels.
#pragma once

#include <span>

#include "lmtx/search/detail/top_labels.h"
#include "lmtx/search/ranked_lists.h"

namespace lmtx::detail {

inline void append(RankedLists& lists, std::span<const ScoredLabel> best) {
  for (const ScoredLabel& label : best) {
    lists.labels.push_back(label.label);
    lists.scores.push_back(label.score);
  }
  lists.offsets.push_back(static_cast<int64_t>(lists.labels.size()));
}

}  // namespace lmtx::detail
