#include "lmtx/search/detail/dot.h"

namespace lmtx::detail {

LMTX_FOR_EACH_CPU
double exact_dot(const float* a, const float* b, int64_t dim) {
  constexpr int64_t lanes = 16;
  double sums[lanes] = {};
  int64_t i = 0;
  for (; i + lanes <= dim; i += lanes) {
    for (int64_t lane = 0; lane < lanes; ++lane) sums[lane] += static_cast<double>(a[i + lane]) * static_cast<double>(b[i + lane]);
  }
  for (int64_t lane = 0; i < dim; ++i, ++lane) sums[lane] += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  for (int64_t half = lanes / 2; half > 0; half /= 2) {
    for (int64_t lane = 0; lane < half; ++lane) sums[lane] += sums[lane + half];
  }
  return sums[0];
}

LMTX_FOR_EACH_CPU
float fast_dot(const float* a, const float* b, int64_t dim) {
  constexpr int64_t lanes = 32;
  float sums[lanes] = {};
  int64_t i = 0;
  for (; i + lanes <= dim; i += lanes) {
    for (int64_t lane = 0; lane < lanes; ++lane) sums[lane] += a[i + lane] * b[i + lane];
  }
  for (int64_t lane = 0; i < dim; ++i, ++lane) sums[lane] += a[i] * b[i];
  for (int64_t half = lanes / 2; half > 0; half /= 2) {
    for (int64_t lane = 0; lane < half; ++lane) sums[lane] += sums[lane + half];
  }
  return sums[0];
}

}  // namespace lmtx::detail
