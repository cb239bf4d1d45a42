// The types of the kernels by torch's dtypes. Internal.
#pragma once

#include <c10/core/ScalarType.h>
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <stdexcept>
#include <string>

namespace lmtx::cuda {

// Calls run(T{}).
template <class Run>
void with_type(c10::ScalarType dtype, const Run& run) {
  if (dtype == c10::ScalarType::Half) return run(__half{});
  if (dtype == c10::ScalarType::BFloat16) return run(__nv_bfloat16{});
  throw std::logic_error(std::string("no kernels for ") + c10::toString(dtype) + ": this is a bug in LMTX");
}

}  // namespace lmtx::cuda
