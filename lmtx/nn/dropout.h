// Dropout whose every draw is keyed, so that a step can be computed again with the same masks.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <cstdint>

#include "lmtx/export.h"

namespace lmtx {

// One stream of masks: made anew with the same key it gives the same masks for the same sequence of calls.
class LMTX_API Dropout {
 public:
  explicit Dropout(uint64_t key, at::Device device = at::kCPU);
  // `x` with each entry zero with probability p, the others scaled by 1 / (1 - p). `x` itself where p is 0.
  at::Tensor operator()(const at::Tensor& x, double p);

 private:
  at::Generator generator_;
};

}  // namespace lmtx
