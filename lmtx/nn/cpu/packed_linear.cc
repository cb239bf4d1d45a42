#include "lmtx/nn/cpu/packed_linear.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

namespace lmtx::cpu {
namespace {

constexpr int64_t group_bytes = 4;
// Sums of more products might not fit 32 bits.
constexpr int64_t most_int8_inputs = (int64_t{1} << 31) / (255 * 127) - 4;

int64_t numbers_a_group(ComputeDtype dtype) {
  switch (dtype) {
    case ComputeDtype::float32: return 1;
    case ComputeDtype::bfloat16: return 2;
    case ComputeDtype::int8: return 4;
    case ComputeDtype::float16: break;
  }
  throw std::logic_error("unknown dtype: this is a bug in LMTX");
}

template <class Each>
at::Tensor joined(std::span<const Linear> parts, const Each& each) {
  std::vector<at::Tensor> tensors;
  for (const Linear& part : parts) tensors.push_back(each(part).detach().to(at::kCPU, at::kFloat));
  return at::cat(tensors).contiguous();
}

at::Tensor bias_of(const Linear& part) { return part.bias.defined() ? part.bias : at::zeros({part.weight.size(0)}, part.weight.options()); }

}  // namespace

PackedLinear::PackedLinear(std::span<const Linear> parts, ComputeDtype dtype, const Kernels& kernels) : kernels_(&kernels), dtype_(dtype) {
  const at::Tensor weight = joined(parts, [](const Linear& part) { return part.weight; }), bias = joined(parts, bias_of);
  out_ = weight.size(0);
  in_ = weight.size(1);
  const int64_t numbers = numbers_a_group(dtype);
  groups_ = (in_ + numbers - 1) / numbers;
  const auto size = static_cast<size_t>(padded_out() * groups_ * group_bytes);
  std::memset(weights_.reserve(size), 0, size);
  std::fill_n(bias_.reserve(padded_out()), padded_out(), 0.0f);
  std::copy_n(bias.const_data_ptr<float>(), out_, bias_.data());
  const float* weights = weight.const_data_ptr<float>();
  switch (dtype) {
    case ComputeDtype::float32: pack_float32(weights); break;
    case ComputeDtype::int8: pack_int8(weights); break;
    case ComputeDtype::bfloat16: pack_bfloat16(weights); break;
    case ComputeDtype::float16: throw std::invalid_argument("Products are not computed in float16 on the CPU; use float32, int8 or bfloat16.");
  }
}

std::byte* PackedLinear::group_of(int64_t output, int64_t group) {
  const int64_t panel = kernels_->panel;
  return weights_.data() + ((output / panel * groups_ + group) * panel + output % panel) * group_bytes;
}

void PackedLinear::pack_float32(const float* weights) {
  for (int64_t output = 0; output < out_; ++output) {
    for (int64_t i = 0; i < in_; ++i) std::memcpy(group_of(output, i), weights + output * in_ + i, sizeof(float));
  }
}

void PackedLinear::pack_bfloat16(const float* weights) {
  std::vector<std::byte> row(groups_ * group_bytes);
  for (int64_t output = 0; output < out_; ++output) {
    kernels_->to_bfloat16(weights + output * in_, in_, row.data());
    for (int64_t group = 0; group < groups_; ++group) std::memcpy(group_of(output, group), row.data() + group * group_bytes, group_bytes);
  }
}

void PackedLinear::pack_int8(const float* weights) {
  if (in_ > most_int8_inputs) {
    throw std::invalid_argument("`dtype` int8 takes products of at most " + std::to_string(most_int8_inputs) + " inputs, but the model has one of " +
                                std::to_string(in_) + ".");
  }
  std::fill_n(scales_.reserve(padded_out()), padded_out(), 0.0f);
  std::fill_n(corrections_.reserve(padded_out()), padded_out(), 0);
  std::vector<std::byte> row(groups_ * group_bytes);
  for (int64_t output = 0; output < out_; ++output) {
    scales_.data()[output] = kernels_->quantize(weights + output * in_, in_, row.data());
    int32_t sum = 0;
    for (int64_t i = 0; i < in_; ++i) {
      const int value = std::to_integer<uint8_t>(row[i]) - kernels_->zero;
      const auto weight = static_cast<int8_t>(value);
      row[i] = static_cast<std::byte>(weight);
      sum += weight;
    }
    std::fill(row.begin() + in_, row.end(), std::byte{0});
    corrections_.data()[output] = kernels_->zero * sum;
    for (int64_t group = 0; group < groups_; ++group) std::memcpy(group_of(output, group), row.data() + group * group_bytes, group_bytes);
  }
}

void PackedLinear::multiply(const Rows& x, int64_t rows, const Rows& residual, float* out, int64_t out_stride, Converted& converted) const {
  Product product{.rows = rows,
                  .b = weights_.data(),
                  .b_group_stride = kernels_->panel * group_bytes,
                  .b_panel_stride = kernels_->panel * groups_ * group_bytes,
                  .columns = out_,
                  .groups = groups_,
                  .c = out,
                  .c_stride = out_stride,
                  .bias = bias_.data(),
                  .residual = residual.data,
                  .residual_stride = residual.stride};
  if (dtype_ == ComputeDtype::float32) {
    product.a = reinterpret_cast<const std::byte*>(x.data);
    product.a_stride = x.stride * static_cast<int64_t>(sizeof(float));
    return kernels_->product_float32(product);
  }
  std::byte* bytes = converted.bytes.reserve(rows * groups_ * group_bytes);
  product.a = bytes;
  product.a_stride = groups_ * group_bytes;
  if (dtype_ == ComputeDtype::bfloat16) {
    for (int64_t row = 0; row < rows; ++row) kernels_->to_bfloat16(x.data + row * x.stride, in_, bytes + row * product.a_stride);
    return kernels_->product_bfloat16(product);
  }
  float* scales = converted.scales.reserve(rows);
  for (int64_t row = 0; row < rows; ++row) scales[row] = kernels_->quantize(x.data + row * x.stride, in_, bytes + row * product.a_stride);
  product.row_scales = scales;
  product.column_scales = scales_.data();
  product.corrections = corrections_.data();
  kernels_->product_int8(product);
}

int64_t PackedLinear::bytes() const {
  return static_cast<int64_t>(weights_.size() + (bias_.size() + scales_.size()) * sizeof(float) + corrections_.size() * sizeof(int32_t));
}

}  // namespace lmtx::cpu
