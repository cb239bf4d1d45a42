// Documents that differ from each other. Internal.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

#include "lmtx/export.h"

namespace lmtx {

// `count` of `candidates`, each the one least similar to all of `known` and all before it (farthest-first traversal, Gonzalez 1985), or all where there are
// fewer. Both are rows of `vectors`, unit rows [n, dim]. Ties go to the first in the order of `candidates`; where nothing is known, that begins. Within blocks
// of 2,048 candidates, whose picks are told in turn: time grows with count * 2,048, not with count * n.
LMTX_API std::vector<int64_t> farthest_first(const at::Tensor& vectors, std::span<const int64_t> candidates, std::span<const int64_t> known, int64_t count);

}  // namespace lmtx
