// Softmax attention of one head of one sequence.
#pragma once

#include <cstdint>
#include <optional>

#include "lmtx/nn/cpu/kernels.h"
#include "lmtx/nn/cpu/positions.h"
#include "lmtx/nn/cpu/workspace.h"

namespace lmtx::cpu {

struct HeadInput {
  // Of the sequence.
  int64_t length;
  // Numbers of a query, key or value in this head, and from one token's to the next.
  int64_t dim, stride;
  const float *queries, *keys, *values;
  // As in LayerAttention.
  std::optional<int64_t> window;
  const Positions& positions;
  int64_t number;
};

// Token i's result goes to out + i * out_stride. Values are readable a panel beyond the last.
void attend(const HeadInput& head, const Kernels& kernels, float* out, int64_t out_stride, Scratch& scratch);

}  // namespace lmtx::cpu
