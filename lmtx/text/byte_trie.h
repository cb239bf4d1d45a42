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

 private:
  static constexpr uint32_t no_edge = 0xffffffff;
  struct Edge {
    uint32_t from = no_edge;  // node << 8 | byte
    uint32_t to = 0;
  };

  size_t slot(uint32_t from) const;
  uint32_t add_edge(uint32_t from);
  void grow();

  std::vector<Edge> edges_;
  int shift_;
  std::vector<int32_t> values_;  // by node; -1 for none
};

}  // namespace lmtx::detail
