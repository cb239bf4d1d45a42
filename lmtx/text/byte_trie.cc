#include "lmtx/text/byte_trie.h"

#include <stdexcept>
#include <utility>

namespace lmtx::detail {

namespace {
constexpr int first_bits = 6;
constexpr size_t max_nodes = size_t{1} << 24;
}  // namespace

ByteTrie::ByteTrie() : edges_(size_t{1} << first_bits), shift_(32 - first_bits), values_{-1} {}

void ByteTrie::insert(std::string_view key, int32_t value) {
  uint32_t node = 0;
  for (unsigned char byte : key) {
    const uint32_t from = node << 8 | byte;
    const Edge& edge = edges_[slot(from)];
    node = edge.from == from ? edge.to : add_edge(from);
  }
  if (values_[node] < 0) values_[node] = value;
}

ByteTrie::Match ByteTrie::longest_match(std::string_view text) const {
  Match best;
  for_each_match(text, [&best](const Match& match) { best = match; });
  return best;
}

uint32_t ByteTrie::add_edge(uint32_t from) {
  if (values_.size() >= max_nodes) throw std::length_error("a vocabulary may not have over 2^24 distinct beginnings of tokens");
  if (values_.size() * 2 > edges_.size()) grow();
  const auto node = static_cast<uint32_t>(values_.size());
  values_.push_back(-1);
  edges_[slot(from)] = {from, node};
  return node;
}

void ByteTrie::grow() {
  const std::vector<Edge> old = std::exchange(edges_, std::vector<Edge>(edges_.size() * 2));
  --shift_;
  for (const Edge& edge : old) {
    if (edge.from != no_edge) edges_[slot(edge.from)] = edge;
  }
}

}  // namespace lmtx::detail
