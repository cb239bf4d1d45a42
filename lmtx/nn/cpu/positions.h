// What positions add to attention, for sequences up to some length.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <vector>

#include "lmtx/nn/transformer_weights.h"

namespace lmtx::cpu {

// Of rotary positions, [max_length, head_dim / 2].
struct Angles {
  std::vector<float> cosines, sines;
};

struct Positions {
  int64_t max_length = 0;
  // By their base.
  std::map<double, Angles> angles;
  // Of relative positions, [heads, bias_stride]; empty: none. For a head, what is added to the score of a query and a key, by the key's position minus the
  // query's, from 1 - max_length on; readable beyond the end by `slack` numbers.
  std::vector<float> bias;
  int64_t bias_stride = 0;

  // For the query at `query`, from the key at 0 on; nullptr: none.
  const float* bias_of(int64_t head, int64_t query) const { return bias.empty() ? nullptr : bias.data() + head * bias_stride + max_length - 1 - query; }
};

// `relative_positions` as in TransformerWeights, float32 on the CPU.
Positions positions_up_to(int64_t max_length, const TransformerSettings& settings, const at::Tensor& relative_positions, int64_t slack);

}  // namespace lmtx::cpu
