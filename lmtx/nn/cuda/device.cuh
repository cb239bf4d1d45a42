// What the kernels have in common: eight numbers at once, sums over a warp, masks of dropout.
#pragma once

#include <cuda_runtime.h>

#include <stdexcept>
#include <string>

#include "lmtx/nn/cuda/kernels.h"

namespace lmtx::cuda {

constexpr int warp_size = 32;
// Numbers that a thread loads and stores at once: 16 bytes of T.
constexpr int pack_size = 8;

inline void check_launch(const char* kernel) {
  const cudaError_t error = cudaGetLastError();
  if (error != cudaSuccess)
    throw std::runtime_error(std::string("The kernel ") + kernel + " could not be started on the card: " + cudaGetErrorString(error) + ".");
}

// Read once a process: cards of one machine are taken to be alike.
inline int num_multiprocessors() {
  static const int count = [] {
    int device = 0, value = 0;
    if (cudaGetDevice(&device) != cudaSuccess || cudaDeviceGetAttribute(&value, cudaDevAttrMultiProcessorCount, device) != cudaSuccess) value = 1;
    return value;
  }();
  return count;
}

struct Pack {
  float x[pack_size];
};

__device__ inline float to_float(__half x) { return __half2float(x); }
__device__ inline float to_float(__nv_bfloat16 x) { return __bfloat162float(x); }
template <typename T>
__device__ inline T from_float(float x);
template <>
__device__ inline __half from_float<__half>(float x) {
  return __float2half_rn(x);
}
template <>
__device__ inline __nv_bfloat16 from_float<__nv_bfloat16>(float x) {
  return __float2bfloat16_rn(x);
}

template <typename T>
__device__ inline uint4 load_raw(const T* p) {
  return *reinterpret_cast<const uint4*>(p);
}

// `p` in the card's memory. An assignment would be taken apart into four stores of four bytes.
template <typename T>
__device__ inline void store_raw(T* p, const uint4& raw) {
  asm volatile("st.global.v4.u32 [%0], {%1, %2, %3, %4};" ::"l"(__cvta_generic_to_global(p)), "r"(raw.x), "r"(raw.y), "r"(raw.z), "r"(raw.w) : "memory");
}

template <typename T>
__device__ inline Pack unpack(const uint4& raw) {
  const T* numbers = reinterpret_cast<const T*>(&raw);
  Pack pack;
#pragma unroll
  for (int i = 0; i < pack_size; ++i) pack.x[i] = to_float(numbers[i]);
  return pack;
}

template <typename T>
__device__ inline Pack load(const T* p) {
  return unpack<T>(load_raw(p));
}

__device__ inline Pack load(const float* p) {
  const float4 a = reinterpret_cast<const float4*>(p)[0], b = reinterpret_cast<const float4*>(p)[1];
  return {{a.x, a.y, a.z, a.w, b.x, b.y, b.z, b.w}};
}

template <typename T>
__device__ inline void store(T* p, const Pack& pack) {
  uint4 raw;
  T* numbers = reinterpret_cast<T*>(&raw);
#pragma unroll
  for (int i = 0; i < pack_size; ++i) numbers[i] = from_float<T>(pack.x[i]);
  store_raw(p, raw);
}

__device__ inline void store(float* p, const Pack& pack) {
  reinterpret_cast<float4*>(p)[0] = make_float4(pack.x[0], pack.x[1], pack.x[2], pack.x[3]);
  reinterpret_cast<float4*>(p)[1] = make_float4(pack.x[4], pack.x[5], pack.x[6], pack.x[7]);
}

// e^x and 1 / x to about two units in the last place, without the cases of tiny numbers.
__device__ inline float fast_exp(float x) {
  float power;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(power) : "f"(x * 1.44269504f));
  return power;
}

__device__ inline float fast_inverse(float x) {
  float inverse;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(inverse) : "f"(x));
  return inverse;
}

// The same in all lanes.
__device__ inline float warp_sum(float x) {
#pragma unroll
  for (int offset = warp_size / 2; offset > 0; offset /= 2) x += __shfl_xor_sync(0xffffffffu, x, offset);
  return x;
}

// detail::mix() of lmtx/detail/random.h.
__device__ inline uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15ull;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

// The eight numbers from number `first` on, a multiple of 8, times their mask: 16 bits of a hash decide on each, as in lmtx/nn/dropout.cc.
__device__ inline void drop(Pack& pack, int64_t first, const DropoutMask& mask) {
  if (mask.threshold == 0) return;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const uint64_t bits = mix(mask.stream + static_cast<uint64_t>(first / 4 + half));
#pragma unroll
    for (int lane = 0; lane < 4; ++lane) {
      const bool keep = static_cast<uint32_t>((bits >> (16 * lane)) & 0xffff) >= mask.threshold;
      float& x = pack.x[4 * half + lane];
      x = keep ? x * mask.scale : 0.0f;
    }
  }
}

}  // namespace lmtx::cuda
