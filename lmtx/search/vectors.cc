#include "lmtx/search/detail/vectors.h"

#include <ATen/Parallel.h>

#include <atomic>
#include <cmath>
#include <stdexcept>

#include "lmtx/search/detail/dot.h"

namespace lmtx::detail {
namespace {

std::string shape_of(const at::Tensor& tensor) {
  std::string text = "[";
  for (int64_t size : tensor.sizes()) text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  return text + "]";
}

void check_finite(const at::Tensor& vectors, const std::string& name) {
  const int64_t dim = vectors.size(1), none = vectors.size(0);
  std::atomic<int64_t> first = none;
  at::parallel_for(0, vectors.size(0), 256, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const float* row = vectors.const_data_ptr<float>() + i * dim;
      // Squares of float32 do not overflow float64, so the sum is finite where the numbers are.
      if (std::isfinite(exact_dot(row, row, dim))) continue;
      for (int64_t known = first; i < known && !first.compare_exchange_weak(known, i);) {
      }
      return;
    }
  });
  if (first != none) throw std::invalid_argument("`" + name + "` must be finite, but row " + std::to_string(first) + " is not.");
}

}  // namespace

at::Tensor of_right_shape(const at::Tensor& vectors, const std::string& name, int64_t dim) {
  if (!vectors.defined()) throw std::invalid_argument("`" + name + "` must be a tensor, but is undefined.");
  if (vectors.scalar_type() != at::kFloat) {
    throw std::invalid_argument("`" + name + "` must be float32, but is " + c10::toString(vectors.scalar_type()) + " instead.");
  }
  if (vectors.dim() != 2 || vectors.size(1) < 1 || (dim >= 0 && vectors.size(1) != dim)) {
    const std::string wanted = dim < 0 ? "dim" : std::to_string(dim);
    throw std::invalid_argument("`" + name + "` must have shape [num_" + name + ", " + wanted + "], but has shape " + shape_of(vectors) + " instead.");
  }
  return vectors.detach();
}

at::Tensor checked_vectors(const at::Tensor& vectors, const std::string& name, int64_t dim) {
  const at::Tensor on_cpu = of_right_shape(vectors, name, dim).to(at::kCPU).contiguous();
  check_finite(on_cpu, name);
  return on_cpu;
}

}  // namespace lmtx::detail
