// The score that counts: a product of two vectors that depends on their numbers and nothing else.
#pragma once

#include <cstdint>

namespace lmtx::detail {

// Products of float32 are exact in float64 and the order of the sum is fixed, so the result is the same bits on every processor (with fused
// multiply-add or without), for every number of threads, and wherever the vectors lie in a block. A matrix product promises none of that.
inline double exact_dot(const float* a, const float* b, int64_t dim) {
  constexpr int64_t lanes = 8;
  double sums[lanes] = {};
  int64_t i = 0;
  for (; i + lanes <= dim; i += lanes) {
    for (int64_t lane = 0; lane < lanes; ++lane) sums[lane] += static_cast<double>(a[i + lane]) * static_cast<double>(b[i + lane]);
  }
  for (int64_t lane = 0; i < dim; ++i, ++lane) sums[lane] += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7]));
}

}  // namespace lmtx::detail
