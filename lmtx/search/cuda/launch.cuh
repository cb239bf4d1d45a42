// What the kernels of search share.
#pragma once

#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <stdexcept>
#include <string>

#include "lmtx/search/cuda/kernels.h"

namespace lmtx::cuda {

inline void check_launch(const char* kernel) {
  const cudaError_t error = cudaGetLastError();
  if (error != cudaSuccess) throw std::runtime_error(std::string("CUDA kernel ") + kernel + ": " + cudaGetErrorString(error) + ".");
}

constexpr int warp_size = 32;
constexpr unsigned all_lanes = 0xffffffffu;
constexpr float lowest_float = -3.402823466e38f;

// 2^exponent; 0 and infinity where float32 ends.
__device__ inline float power_of_two(int exponent) { return static_cast<float>(ldexp(1.0, exponent)); }

__device__ inline float sum_of_warp(float sum) {
  for (int offset = warp_size / 2; offset > 0; offset /= 2) sum += __shfl_xor_sync(all_lanes, sum, offset);
  return sum;
}

// Of a length that was found in float32: adding up `dim` squares loses less than this, and squares too small for float32 less than 2^-70 a number.
__device__ inline float never_below(float length, int64_t dim) {
  return length * (1.0f + static_cast<float>(dim) * 0x1p-22f) + static_cast<float>(dim) * 0x1p-70f;
}

// The sum of 16 lanes in the order of exact_dot(): halves onto halves. Every lane must take part; lane 0 of the 16 has the sum.
__device__ inline double sum_of_16(double sum) {
  for (int half = 8; half > 0; half /= 2) sum += __shfl_down_sync(all_lanes, sum, half, 16);
  return sum;
}

// The square of a vector's length as exact_dot() has it, in every lane of a warp, of which both halves do the same.
__device__ inline double exact_square(const float* vector, int64_t dim) {
  double sum = 0;
#pragma unroll 8
  for (int64_t j = threadIdx.x % 16; j < dim; j += 16) sum += static_cast<double>(vector[j]) * static_cast<double>(vector[j]);
  return __shfl_sync(all_lanes, sum_of_16(sum), 0);
}

__device__ inline float with_offset(float product, float scale, const float* offsets, int64_t row) {
  const float score = product * scale;
  return offsets == nullptr ? score : score + offsets[row];
}

}  // namespace lmtx::cuda
