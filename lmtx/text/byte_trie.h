// Strings with values, searched for the longest that a text goes on with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace lmtx::detail {

// Edges lie in one open-addressed hash table: a step is one lookup, whatever the node.
class ByteTrie {
 public:
  struct Match {
    int32_t value = -1;
    size_t length = 0;  // 0: no match
  };

  ByteTrie();
  // `value` must not be negative. A string that was there before keeps its value. Throws std::length_error beyond 2^24 nodes.
  void insert(std::string_view key, int32_t value);
  // The longest non-empty string in here that `text` begins with.
  Match longest_match(std::string_view text) const;
  // Calls `on_match` for each of them that `text` begins with, the shortest first.
  template <typename OnMatch>
  void for_each_match(std::string_view text, OnMatch&& on_match) const {
    uint32_t node = 0;
    for (size_t i = 0; i < text.size(); ++i) {
      const uint32_t from = node << 8 | static_cast<unsigned char>(text[i]);
      const Edge& edge = edges_[slot(from)];
      if (edge.from != from) return;
      node = edge.to;
      if (values_[node] >= 0) on_match(Match{values_[node], i + 1});
    }
  }

 private:
  static constexpr uint32_t no_edge = 0xffffffff;
  struct Edge {
    uint32_t from = no_edge;  // node << 8 | byte
    uint32_t to = 0;
  };

  // Where the edge is, or the free place where it belongs (Fibonacci hashing, linear probing).
  size_t slot(uint32_t from) const {
    size_t i = (from * 0x9e3779b9u) >> shift_;
    while (edges_[i].from != from && edges_[i].from != no_edge) i = (i + 1) & (edges_.size() - 1);
    return i;
  }
  uint32_t add_edge(uint32_t from);
  void grow();

  std::vector<Edge> edges_;
  int shift_;
  std::vector<int32_t> values_;  // by node; -1 for none
};

}  // namespace lmtx::detail
