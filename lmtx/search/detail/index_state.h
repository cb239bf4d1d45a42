// What a label index is made of.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "lmtx/search/detail/searcher.h"
#include "lmtx/search/detail/segment.h"
#include "lmtx/search/label_index.h"

namespace lmtx::detail {

struct IndexState {
  LabelIndexOptions options;
  int64_t dim = 0;
  // Oldest first; shared with the indexes that this one was made from.
  std::vector<std::shared_ptr<const Segment>> segments;
  // Tombstones: how many segments there were when a label was removed. Its rows in those are dead, rows added later are not.
  std::unordered_map<int64_t, int64_t> removed;
  std::unordered_map<int64_t, float> biases;
  // With rows that are not dead.
  int64_t num_labels = 0;
  // "cpu", or "cuda:N", where `searcher` holds copies.
  std::string device = "cpu";
  std::shared_ptr<const Searcher> searcher;

  // Whether rows of the label in this segment count.
  bool alive(int64_t segment, int64_t label) const {
    if (removed.empty()) return true;
    const auto tombstone = removed.find(label);
    return tombstone == removed.end() || segment >= tombstone->second;
  }
  // Whether one of the first `num_segments` segments has a row of the label that counts.
  bool contains(int64_t label, int64_t num_segments) const {
    for (int64_t s = 0; s < num_segments; ++s) {
      if (alive(s, label) && segments[s]->has_label(label)) return true;
    }
    return false;
  }
  bool contains(int64_t label) const { return contains(label, static_cast<int64_t>(segments.size())); }
  // Labels that the segment has and none before it.
  int64_t count_new_labels(int64_t segment) const {
    int64_t count = 0;
    for (int64_t label : segments[segment]->labels()) count += alive(segment, label) && !contains(label, segment);
    return count;
  }
};

// Throws std::invalid_argument where this build cannot search so.
void check_method(const LabelIndexOptions& options);

}  // namespace lmtx::detail
