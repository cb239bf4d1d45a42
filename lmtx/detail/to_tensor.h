// Vectors of numbers as tensors. Internal.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace lmtx::detail {

// A copy, int64 or float32 [n] on the CPU.
template <typename T>
at::Tensor to_tensor(const std::vector<T>& numbers) {
  at::Tensor tensor = at::empty({static_cast<int64_t>(numbers.size())}, c10::CppTypeToScalarType<T>::value);
  std::copy(numbers.begin(), numbers.end(), tensor.mutable_data_ptr<T>());
  return tensor;
}

}  // namespace lmtx::detail
