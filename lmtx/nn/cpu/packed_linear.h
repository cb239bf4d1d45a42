// The weights of a product in the order and dtype in which kernels read them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "lmtx/compute_dtype.h"
#include "lmtx/export.h"
#include "lmtx/nn/cpu/buffer.h"
#include "lmtx/nn/cpu/kernels.h"
#include "lmtx/nn/linear.h"

namespace lmtx::cpu {

// Rows of float32, `stride` numbers apart.
struct Rows {
  const float* data = nullptr;
  int64_t stride = 0;
};

// Where rows are brought to the dtype of a product.
struct Converted {
  Buffer<std::byte> bytes;
  Buffer<float> scales;
};

class LMTX_API PackedLinear {
 public:
  PackedLinear() = default;
  // The outputs of all `parts`, which have the same inputs, one after the other. int8: weights are rounded to multiples of their output's largest / 127.
  PackedLinear(std::span<const Linear> parts, ComputeDtype dtype, const Kernels& kernels);

  // out = x weights^T + bias + residual (data nullptr: none), each out [rows, out()].
  void multiply(const Rows& x, int64_t rows, const Rows& residual, float* out, int64_t out_stride, Converted& converted) const;

  int64_t in() const { return in_; }
  int64_t out() const { return out_; }
  int64_t bytes() const;

 private:
  void pack_float32(const float* weights);
  void pack_int8(const float* weights);
  void pack_bfloat16(const float* weights);
  // Where group `group` of output `output` is.
  std::byte* group_of(int64_t output, int64_t group);
  int64_t padded_out() const { return (out_ + kernels_->panel - 1) / kernels_->panel * kernels_->panel; }

  const Kernels* kernels_ = nullptr;
  ComputeDtype dtype_ = ComputeDtype::float32;
  int64_t in_ = 0, out_ = 0, groups_ = 0;
  Buffer<std::byte> weights_;
  Buffer<float> bias_, scales_;
  Buffer<int32_t> corrections_;
};

}  // namespace lmtx::cpu
