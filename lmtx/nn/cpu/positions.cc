#include "lmtx/nn/cpu/positions.h"

#include <algorithm>
#include <cmath>

#include "lmtx/nn/ops.h"

namespace lmtx::cpu {
namespace {

Angles rotary_angles(int64_t max_length, int64_t head_dim, double theta) {
  const at::Tensor frequencies = ops::rotary_frequencies(head_dim, theta);
  Angles angles;
  for (int64_t place = 0; place < max_length; ++place) {
    for (int64_t i = 0; i < frequencies.size(0); ++i) {
      const float angle = static_cast<float>(place) * frequencies.const_data_ptr<float>()[i];
      angles.cosines.push_back(std::cos(angle));
      angles.sines.push_back(std::sin(angle));
    }
  }
  return angles;
}

void add_bias(Positions& positions, int64_t num_heads, const at::Tensor& relative_positions, int64_t slack) {
  const int64_t length = positions.max_length;
  const at::Tensor of_pairs = ops::relative_bias(relative_positions, length);
  // Of the last query to all keys, then of the first one to those behind it: all distances once.
  const at::Tensor of_last = of_pairs.select(1, length - 1).contiguous(), of_first = of_pairs.select(1, 0).contiguous();
  positions.bias_stride = 2 * length - 1 + slack;
  positions.bias.assign(num_heads * positions.bias_stride, 0.0f);
  for (int64_t head = 0; head < num_heads; ++head) {
    float* to = positions.bias.data() + head * positions.bias_stride;
    std::copy_n(of_last.const_data_ptr<float>() + head * length, length, to);
    std::copy_n(of_first.const_data_ptr<float>() + head * length, length, to + length - 1);
  }
}

}  // namespace

Positions positions_up_to(int64_t max_length, const TransformerSettings& settings, const at::Tensor& relative_positions, int64_t slack) {
  Positions positions;
  positions.max_length = max_length;
  for (const LayerAttention& attention : settings.attention) {
    if (!attention.rope_theta || positions.angles.contains(*attention.rope_theta)) continue;
    positions.angles[*attention.rope_theta] = rotary_angles(max_length, settings.dim / settings.num_heads, *attention.rope_theta);
  }
  if (relative_positions.defined()) add_bias(positions, settings.num_heads, relative_positions, slack);
  return positions;
}

}  // namespace lmtx::cpu
