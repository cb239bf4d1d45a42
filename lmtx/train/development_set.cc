#include "lmtx/train/development_set.h"

#include <algorithm>

#include "lmtx/detail/random.h"

namespace lmtx {

DocumentSplit hold_out(const std::vector<bool>& is_empty, const Twins& twins, int64_t count, uint64_t seed) {
  const auto documents = static_cast<int64_t>(is_empty.size());
  std::vector<int64_t> distinct;
  for (int64_t i = 0; i < documents; ++i) {
    if (twins.is_first(i) && !is_empty[i]) distinct.push_back(i);
  }
  const auto order = detail::permutation(static_cast<int64_t>(distinct.size()), detail::random_key(seed, "development"));
  const size_t held_out = std::min(distinct.size(), static_cast<size_t>(count));
  std::vector<bool> is_held_out(distinct.size());
  for (size_t i = 0; i < held_out; ++i) is_held_out[order[i]] = true;
  DocumentSplit split;
  for (size_t i = 0; i < distinct.size(); ++i) (is_held_out[i] ? split.development : split.training).push_back(distinct[i]);
  return split;
}

DocumentSplit split_documents(const std::vector<bool>& is_empty, const Twins& twins, int64_t development, uint64_t seed) {
  return hold_out(is_empty, twins, development_size(development, static_cast<int64_t>(is_empty.size())), seed);
}

}  // namespace lmtx
