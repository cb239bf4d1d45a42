#include "lmtx/nn/cpu/pooling.h"

#include <algorithm>
#include <cmath>

namespace lmtx::cpu {
namespace {

// out = sum of weight(i) * row i.
template <class Weight>
void add_rows(const float* hidden, int64_t length, int64_t dim, float* out, const Weight& weight) {
  std::fill_n(out, dim, 0.0f);
  for (int64_t i = 0; i < length; ++i) {
    const float factor = weight(i);
    for (int64_t d = 0; d < dim; ++d) out[d] += factor * hidden[i * dim + d];
  }
}

void divide(float* out, int64_t dim, float by) {
  for (int64_t d = 0; d < dim; ++d) out[d] /= by;
}

void largest(const float* hidden, int64_t length, int64_t dim, float* out) {
  std::copy_n(hidden, dim, out);
  for (int64_t i = 1; i < length; ++i) {
    // NaN is largest, as torch has it.
    for (int64_t d = 0; d < dim; ++d) out[d] = out[d] >= hidden[i * dim + d] || std::isnan(out[d]) ? out[d] : hidden[i * dim + d];
  }
}

}  // namespace

void pool_rows(PoolingMode mode, const float* hidden, int64_t length, int64_t dim, int64_t skipped, float* out) {
  const auto one = [](int64_t) { return 1.0f; };
  const auto count = static_cast<float>(length);
  switch (mode) {
    case PoolingMode::cls: std::copy_n(hidden, dim, out); return;
    case PoolingMode::max: return largest(hidden, length, dim, out);
    case PoolingMode::mean: add_rows(hidden, length, dim, out, one); return divide(out, dim, count);
    case PoolingMode::mean_sqrt_len: add_rows(hidden, length, dim, out, one); return divide(out, dim, std::sqrt(count));
    case PoolingMode::weighted_mean:
      add_rows(hidden, length, dim, out, [&](int64_t i) { return static_cast<float>(skipped + 1 + i); });
      return divide(out, dim, count * static_cast<float>(2 * skipped + 1 + length) / 2);
    case PoolingMode::last_token: std::copy_n(hidden + (length - 1) * dim, dim, out); return;
  }
}

}  // namespace lmtx::cpu
