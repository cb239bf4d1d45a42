// Vectors from outside.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

namespace lmtx::detail {

// `vectors`, float32 [any number, dim], outside of autograd; dim -1 means any from 1 up. Throws std::invalid_argument, speaking of `name`.
at::Tensor of_right_shape(const at::Tensor& vectors, const std::string& name, int64_t dim);

// `vectors` on the CPU and contiguous: float32 [any number, dim], finite; dim -1 means any from 1 up. Throws std::invalid_argument, speaking of `name`.
at::Tensor checked_vectors(const at::Tensor& vectors, const std::string& name, int64_t dim);

}  // namespace lmtx::detail
