// Dropout whose every draw is keyed, so that a step can be computed again with the same masks.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <cstdint>

#include "lmtx/export.h"

namespace lmtx {

// One stream of masks: made anew with the same key it gives the same masks for the same sequence of calls, with any number of threads. On the CPU
// no mask is kept for the backward pass: it is drawn again.
class LMTX_API Dropout {
 public:
  explicit Dropout(uint64_t key, at::Device device = at::kCPU);
  // `x` with each entry zero with probability p (a multiple of 2^-16 next to it on the CPU), the others scaled so that the expectation stays. `x`
  // itself where p is 0.
  at::Tensor operator()(const at::Tensor& x, double p);

  // What keys the mask of one call more, for kernels that draw it themselves as the CPU's does (lmtx/nn/cuda/device.cuh).
  uint64_t next_stream();

 private:
  uint64_t key_;
  uint64_t calls_ = 0;
  // Undefined on the CPU.
  at::Generator generator_;
};

}  // namespace lmtx
