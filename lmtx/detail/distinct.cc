#include "lmtx/detail/distinct.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <bit>
#include <functional>

namespace lmtx::detail {
namespace {

constexpr int64_t items_a_thread = 1 << 14;
constexpr int64_t rows_a_thread = 1 << 9;

std::vector<size_t> hash_all(std::span<const std::string_view> items) {
  std::vector<size_t> hashes(items.size());
  at::parallel_for(0, static_cast<int64_t>(items.size()), items_a_thread, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) hashes[i] = std::hash<std::string_view>()(items[i]);
  });
  return hashes;
}

}  // namespace

Distinct find_distinct(std::span<const std::string_view> items) {
  const std::vector<size_t> hashes = hash_all(items);
  // Open addressing, at most half full; an entry is the position of an item, and 1 more. Comparing hashes first spares looking at texts in distant memory.
  std::vector<int64_t> table(std::bit_ceil(2 * items.size() + 1));
  Distinct distinct;
  distinct.first.reserve(items.size());
  for (size_t i = 0; i < items.size(); ++i) {
    size_t slot = hashes[i] & (table.size() - 1);
    while (table[slot] != 0 && (hashes[table[slot] - 1] != hashes[i] || items[table[slot] - 1] != items[i])) slot = (slot + 1) & (table.size() - 1);
    if (table[slot] != 0) {
      distinct.copies.push_back({static_cast<int64_t>(i), table[slot] - 1});
    } else {
      table[slot] = static_cast<int64_t>(i) + 1;
      distinct.first.push_back(static_cast<int64_t>(i));
    }
  }
  return distinct;
}

void copy_rows(const Distinct& distinct, float* rows, int64_t dim) {
  at::parallel_for(0, static_cast<int64_t>(distinct.copies.size()), rows_a_thread, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) std::copy_n(rows + distinct.copies[i].of * dim, dim, rows + distinct.copies[i].item * dim);
  });
}

}  // namespace lmtx::detail
