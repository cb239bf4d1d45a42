// Tokens to vectors of their sequences, and the way back.
#include <algorithm>

#include "lmtx/nn/cuda/device.cuh"

namespace lmtx::cuda {
namespace {

// A block a sequence: x over packs of columns, y over its tokens.
constexpr int64_t most_columns_a_block = 32 * pack_size;
constexpr int tokens_at_once = 8;

template <typename T>
struct Pooled {
  const T* hidden;
  const int32_t* offsets;
  PoolingMode mode;
  int64_t skipped;
  int64_t dim;
  int64_t stride;
};

struct Stretch {
  int64_t first, begin, end;  // of the sequence; of the tokens that count
  int64_t count;
  int64_t skipped;
};

template <typename T>
__device__ inline Stretch stretch_of(const Pooled<T>& p) {
  const int64_t begin = p.offsets[blockIdx.x], end = p.offsets[blockIdx.x + 1];
  const int64_t skipped = min(p.skipped, end - begin - 1);
  return {begin, begin + skipped, end, end - begin - skipped, skipped};
}

// What token `t` counts where vectors are sums of tokens; 0 for maxima.
__device__ inline float weight_of(PoolingMode mode, const Stretch& s, int64_t t) {
  switch (mode) {
    case PoolingMode::cls:
      return t == s.begin ? 1.0f : 0.0f;
    case PoolingMode::last_token:
      return t == s.end - 1 ? 1.0f : 0.0f;
    case PoolingMode::mean:
      return 1.0f / static_cast<float>(s.count);
    case PoolingMode::mean_sqrt_len:
      return rsqrtf(static_cast<float>(s.count));
    case PoolingMode::weighted_mean: {
      // Numbers skipped + 1 to skipped + count, over their sum.
      const double sum = 0.5 * static_cast<double>(s.count) * static_cast<double>(2 * s.skipped + s.count + 1);
      return static_cast<float>(static_cast<double>(t - s.first + 1) / sum);
    }
    case PoolingMode::max:
      return 0.0f;
  }
  return 0.0f;
}

template <typename T>
__global__ void pool_kernel(Pooled<T> p, float* out) {
  __shared__ float shared[tokens_at_once][most_columns_a_block];
  const int64_t column = (static_cast<int64_t>(blockIdx.y) * blockDim.x + threadIdx.x) * pack_size;
  const Stretch s = stretch_of(p);
  const bool takes_max = p.mode == PoolingMode::max;
  Pack all;
#pragma unroll
  for (int i = 0; i < pack_size; ++i) all.x[i] = takes_max ? -INFINITY : 0.0f;
  if (column < p.dim) {
    for (int64_t t = s.begin + threadIdx.y; t < s.end; t += tokens_at_once) {
      const float weight = weight_of(p.mode, s, t);
      if (weight == 0.0f && !takes_max) continue;
      const Pack pack = load(p.hidden + t * p.dim + column);
#pragma unroll
      for (int i = 0; i < pack_size; ++i) all.x[i] = takes_max ? fmaxf(all.x[i], pack.x[i]) : all.x[i] + weight * pack.x[i];
    }
  }
#pragma unroll
  for (int i = 0; i < pack_size; ++i) shared[threadIdx.y][threadIdx.x * pack_size + i] = all.x[i];
  __syncthreads();
  if (threadIdx.y != 0 || column >= p.dim) return;
  for (int y = 1; y < tokens_at_once; ++y) {
#pragma unroll
    for (int i = 0; i < pack_size; ++i) {
      const float other = shared[y][threadIdx.x * pack_size + i];
      all.x[i] = takes_max ? fmaxf(all.x[i], other) : all.x[i] + other;
    }
  }
  float* to = out + blockIdx.x * p.stride + column;
#pragma unroll
  for (int i = 0; i < pack_size; ++i) to[i] = all.x[i];
}

struct Places {
  int64_t at[pack_size];
};

// Of the largest of each column, the first where several are.
template <typename T>
__device__ inline Places places_of_largest(const Pooled<T>& p, const Stretch& s, int64_t column) {
  Pack best = load(p.hidden + s.begin * p.dim + column);
  Places places;
#pragma unroll
  for (int i = 0; i < pack_size; ++i) places.at[i] = s.begin;
  for (int64_t t = s.begin + 1; t < s.end; ++t) {
    const Pack pack = load(p.hidden + t * p.dim + column);
#pragma unroll
    for (int i = 0; i < pack_size; ++i) {
      if (pack.x[i] <= best.x[i]) continue;
      best.x[i] = pack.x[i];
      places.at[i] = t;
    }
  }
  return places;
}

template <typename T>
__global__ void pool_backward_kernel(Pooled<T> p, const float* gradient, bool add, T* hidden_gradient) {
  const int64_t column = (static_cast<int64_t>(blockIdx.y) * blockDim.x + threadIdx.x) * pack_size;
  if (column >= p.dim) return;
  const Stretch s = stretch_of(p);
  Pack given;
#pragma unroll
  for (int i = 0; i < pack_size; ++i) given.x[i] = gradient[blockIdx.x * p.stride + column + i];
  const bool takes_max = p.mode == PoolingMode::max;
  Places largest{};
  if (takes_max) largest = places_of_largest(p, s, column);
  for (int64_t t = s.first + threadIdx.y; t < s.end; t += tokens_at_once) {
    const float weight = t < s.begin ? 0.0f : weight_of(p.mode, s, t);
    T* to = hidden_gradient + t * p.dim + column;
    Pack sum{};
    if (add) sum = load(to);
#pragma unroll
    for (int i = 0; i < pack_size; ++i) sum.x[i] += takes_max ? (largest.at[i] == t ? given.x[i] : 0.0f) : weight * given.x[i];
    store(to, sum);
  }
}

struct Launch {
  dim3 grid, block;
};

Launch launch_for(int64_t sequences, int64_t dim) {
  constexpr int64_t packs = most_columns_a_block / pack_size;
  return {dim3(static_cast<unsigned>(sequences), static_cast<unsigned>((dim / pack_size + packs - 1) / packs)), dim3(packs, tokens_at_once)};
}

}  // namespace

template <typename T>
void pool(const T* hidden, const int32_t* offsets, PoolingMode mode, int64_t skipped, float* out, int64_t sequences, int64_t dim, int64_t stride,
          cudaStream_t stream) {
  if (sequences == 0) return;
  const Launch launch = launch_for(sequences, dim);
  pool_kernel<<<launch.grid, launch.block, 0, stream>>>(Pooled<T>{hidden, offsets, mode, skipped, dim, stride}, out);
  check_launch("pool");
}

template <typename T>
void pool_backward(const T* hidden, const int32_t* offsets, PoolingMode mode, int64_t skipped, const float* gradient, bool add, T* hidden_gradient,
                   int64_t sequences, int64_t dim, int64_t stride, cudaStream_t stream) {
  if (sequences == 0) return;
  const Launch launch = launch_for(sequences, dim);
  pool_backward_kernel<<<launch.grid, launch.block, 0, stream>>>(Pooled<T>{hidden, offsets, mode, skipped, dim, stride}, gradient, add, hidden_gradient);
  check_launch("pool_backward");
}

#define LMTX_INSTANTIATE(T)                                                                                            \
  template void pool(const T*, const int32_t*, PoolingMode, int64_t, float*, int64_t, int64_t, int64_t, cudaStream_t); \
  template void pool_backward(const T*, const int32_t*, PoolingMode, int64_t, const float*, bool, T*, int64_t, int64_t, int64_t, cudaStream_t);
LMTX_INSTANTIATE(__half)
LMTX_INSTANTIATE(__nv_bfloat16)
#undef LMTX_INSTANTIATE

}  // namespace lmtx::cuda
