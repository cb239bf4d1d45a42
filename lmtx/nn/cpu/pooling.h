// Pooling of one sequence.
#pragma once

#include <cstdint>

#include "lmtx/nn/pooling.h"

namespace lmtx::cpu {

// The hidden states [length, dim] of a sequence without its first `skipped` tokens become one vector [dim].
void pool_rows(PoolingMode mode, const float* hidden, int64_t length, int64_t dim, int64_t skipped, float* out);

}  // namespace lmtx::cpu
