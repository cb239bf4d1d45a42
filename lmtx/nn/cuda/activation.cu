// Activations with the bias before them, gated or not, and their way back; and query, key and value side by side, which is the same kind of pass.
#include <algorithm>

#include "lmtx/nn/cuda/device.cuh"

namespace lmtx::cuda {
namespace {

// A block is 128 packs of columns wide; its rows are every gridDim.y-th. So each thread keeps its columns, their bias and their sums.
constexpr int packs_wide = 128;
// Rows whose loads are under way at once: behind a store the compiler would not begin another.
constexpr int rows_at_once = 4;

struct Value {
  float value, slope;
};

// The error function is from Abramowitz and Stegun 1964, 7.1.26: off by at most 1.5e-7.
__device__ inline Value gelu(float x) {
  const float gauss = fast_exp(-0.5f * x * x), t = fast_inverse(1.0f + 0.3275911f * 0.70710678f * fabsf(x));
  const float tail = 0.5f * gauss * t * (0.254829592f + t * (-0.284496736f + t * (1.421413741f + t * (-1.453152027f + t * 1.061405429f))));
  const float below = x < 0.0f ? tail : 1.0f - tail;
  return {x * below, below + x * gauss * 0.39894228f};
}

__device__ inline Value gelu_tanh(float x) {
  const float inner = 0.79788456f * (x + 0.044715f * x * x * x), t = tanhf(inner);
  return {0.5f * x * (1.0f + t), 0.5f * (1.0f + t) + 0.5f * x * (1.0f - t * t) * 0.79788456f * (1.0f + 3.0f * 0.044715f * x * x)};
}

// A constant in the kernels, so that nothing is chosen number by number.
template <Activation activation>
__device__ inline Value activated(float x) {
  switch (activation) {
    case Activation::identity:
      return {x, 1.0f};
    case Activation::gelu:
      return gelu(x);
    case Activation::gelu_tanh:
      return gelu_tanh(x);
    case Activation::relu:
      return {fmaxf(x, 0.0f), x > 0.0f ? 1.0f : 0.0f};
    case Activation::silu: {
      const float s = fast_inverse(1.0f + fast_exp(-x));
      return {x * s, s * (1.0f + x * (1.0f - s))};
    }
    case Activation::tanh: {
      const float t = tanhf(x);
      return {t, 1.0f - t * t};
    }
    case Activation::sigmoid: {
      const float s = fast_inverse(1.0f + fast_exp(-x));
      return {s, s * (1.0f - s)};
    }
  }
  return {0.0f, 0.0f};
}

template <typename T>
struct Activate {
  const T* x;
  const float* bias;
  DropoutMask mask;
  const T* gradient;
  T* out;
  float* partial;
  int64_t rows;
  int64_t width;
};

__device__ inline Pack load_or_zero(const float* p) {
  if (p != nullptr) return load(p);
  return Pack{};
}

__device__ inline void add_to(Pack& sum, const Pack& pack) {
#pragma unroll
  for (int i = 0; i < pack_size; ++i) sum.x[i] += pack.x[i];
}

__device__ inline int64_t first_column() { return (static_cast<int64_t>(blockIdx.x) * packs_wide + threadIdx.x) * pack_size; }

// Some of a block's rows.
template <int count>
struct Rows {
  int64_t first, end, step;
  // Calls use(n, row) for n from 0, as long as there are rows.
  template <typename Use>
  __device__ void each(const Use& use) const {
#pragma unroll
    for (int n = 0; n < count; ++n) {
      const int64_t row = first + n * step;
      if (row < end) use(n, row);
    }
  }
};

template <int count, typename Use>
__device__ inline void for_rows(int64_t end, const Use& use) {
  for (Rows<count> rows{blockIdx.y, end, gridDim.y}; rows.first < end; rows.first += count * rows.step) use(rows);
}

template <typename T, Activation activation>
__global__ void __launch_bounds__(packs_wide) activate_kernel(Activate<T> a) {
  const int64_t column = first_column();
  if (column >= a.width) return;
  const Pack bias = load_or_zero(a.bias == nullptr ? nullptr : a.bias + column);
  for_rows<rows_at_once>(a.rows, [&](auto& rows) {
    uint4 raw[rows_at_once];
    rows.each([&](int n, int64_t r) { raw[n] = load_raw(a.x + r * a.width + column); });
    rows.each([&](int n, int64_t r) {
      Pack pack = unpack<T>(raw[n]);
      add_to(pack, bias);
#pragma unroll
      for (int i = 0; i < pack_size; ++i) pack.x[i] = activated<activation>(pack.x[i]).value;
      store(a.out + r * a.width + column, pack);
    });
  });
}

template <typename T, Activation activation>
__global__ void __launch_bounds__(packs_wide) activate_backward_kernel(Activate<T> a) {
  const int64_t column = first_column();
  if (column >= a.width) return;
  const Pack bias = load_or_zero(a.bias == nullptr ? nullptr : a.bias + column);
  Pack sum{};
  for_rows<rows_at_once>(a.rows, [&](auto& rows) {
    uint4 raw[rows_at_once], raw_gradient[rows_at_once];
    rows.each([&](int n, int64_t r) {
      raw[n] = load_raw(a.x + r * a.width + column);
      raw_gradient[n] = load_raw(a.gradient + r * a.width + column);
    });
    rows.each([&](int n, int64_t r) {
      Pack pack = unpack<T>(raw[n]);
      const Pack gradient = unpack<T>(raw_gradient[n]);
      add_to(pack, bias);
#pragma unroll
      for (int i = 0; i < pack_size; ++i) pack.x[i] = activated<activation>(pack.x[i]).slope * gradient.x[i];
      store(a.out + r * a.width + column, pack);
      add_to(sum, pack);
    });
  });
  store(a.partial + blockIdx.y * a.width + column, sum);
}

template <typename T, Activation activation>
__global__ void __launch_bounds__(packs_wide) gate_kernel(Activate<T> a) {
  const int64_t column = first_column();
  if (column >= a.width) return;
  const Pack bias = load_or_zero(a.bias == nullptr ? nullptr : a.bias + column),
             factor_bias = load_or_zero(a.bias == nullptr ? nullptr : a.bias + a.width + column);
  for (int64_t r = blockIdx.y; r < a.rows; r += gridDim.y) {
    Pack pack = load(a.x + r * 2 * a.width + column), factor = load(a.x + r * 2 * a.width + a.width + column);
    add_to(pack, bias);
    add_to(factor, factor_bias);
#pragma unroll
    for (int i = 0; i < pack_size; ++i) pack.x[i] = activated<activation>(pack.x[i]).value * factor.x[i];
    drop(pack, r * a.width + column, a.mask);
    store(a.out + r * a.width + column, pack);
  }
}

template <typename T, Activation activation>
__global__ void __launch_bounds__(packs_wide) gate_backward_kernel(Activate<T> a) {
  const int64_t column = first_column();
  if (column >= a.width) return;
  const Pack bias = load_or_zero(a.bias == nullptr ? nullptr : a.bias + column),
             factor_bias = load_or_zero(a.bias == nullptr ? nullptr : a.bias + a.width + column);
  Pack sum{}, factor_sum{};
  for (int64_t r = blockIdx.y; r < a.rows; r += gridDim.y) {
    Pack pack = load(a.x + r * 2 * a.width + column), factor = load(a.x + r * 2 * a.width + a.width + column);
    Pack gradient = load(a.gradient + r * a.width + column);
    drop(gradient, r * a.width + column, a.mask);
    add_to(pack, bias);
    add_to(factor, factor_bias);
#pragma unroll
    for (int i = 0; i < pack_size; ++i) {
      const Value value = activated<activation>(pack.x[i]);
      pack.x[i] = value.slope * factor.x[i] * gradient.x[i];
      factor.x[i] = value.value * gradient.x[i];
    }
    store(a.out + r * 2 * a.width + column, pack);
    store(a.out + r * 2 * a.width + a.width + column, factor);
    add_to(sum, pack);
    add_to(factor_sum, factor);
  }
  store(a.partial + blockIdx.y * 2 * a.width + column, sum);
  store(a.partial + blockIdx.y * 2 * a.width + a.width + column, factor_sum);
}

template <typename T>
struct Join {
  const T* parts[3];
  T* out;
  float* partial;
  int64_t tokens;
  int64_t dim;
};

template <typename T>
__global__ void __launch_bounds__(packs_wide) join_kernel(Join<T> j) {
  const int64_t column = first_column();
  if (column >= 3 * j.dim) return;
  const T* part = j.parts[column / j.dim] + column % j.dim;
  Pack sum{};
  for_rows<rows_at_once>(j.tokens, [&](auto& rows) {
    uint4 raw[rows_at_once];
    rows.each([&](int n, int64_t r) { raw[n] = load_raw(part + r * j.dim); });
    rows.each([&](int n, int64_t r) {
      store_raw(j.out + r * 3 * j.dim + column, raw[n]);
      add_to(sum, unpack<T>(raw[n]));
    });
  });
  store(j.partial + blockIdx.y * 3 * j.dim + column, sum);
}

template <Activation activation>
struct Constant {
  static constexpr Activation value = activation;
};

// Calls run(Constant<activation>{}).
template <typename Run>
void with_constant(Activation activation, const Run& run) {
  switch (activation) {
    case Activation::identity:
      return run(Constant<Activation::identity>{});
    case Activation::gelu:
      return run(Constant<Activation::gelu>{});
    case Activation::gelu_tanh:
      return run(Constant<Activation::gelu_tanh>{});
    case Activation::relu:
      return run(Constant<Activation::relu>{});
    case Activation::silu:
      return run(Constant<Activation::silu>{});
    case Activation::tanh:
      return run(Constant<Activation::tanh>{});
    case Activation::sigmoid:
      return run(Constant<Activation::sigmoid>{});
  }
}

int64_t blocks_wide(int64_t columns) { return (columns / pack_size + packs_wide - 1) / packs_wide; }

dim3 grid_for(int64_t rows, int64_t width, int64_t columns) {
  if (width % pack_size != 0) throw std::runtime_error("Rows of " + std::to_string(width) + " numbers have no kernel.");
  return dim3(static_cast<unsigned>(blocks_wide(width)), static_cast<unsigned>(activation_partial_rows(rows, columns)));
}

}  // namespace

int64_t activation_partial_rows(int64_t rows, int64_t columns) {
  const int64_t high = std::max<int64_t>(num_multiprocessors() * int64_t{12} / blocks_wide(columns), 1);
  return std::clamp<int64_t>(rows, 1, std::min<int64_t>(high, 65535));
}

template <typename T>
void activate(const T* x, const float* bias, Activation activation, bool gated, DropoutMask mask, T* out, int64_t rows, int64_t width, cudaStream_t stream) {
  if (rows == 0) return;
  const Activate<T> a{x, bias, mask, nullptr, out, nullptr, rows, width};
  const dim3 grid = grid_for(rows, width, width);
  with_constant(activation, [&](auto constant) {
    constexpr Activation value = decltype(constant)::value;
    if (gated) {
      gate_kernel<T, value><<<grid, packs_wide, 0, stream>>>(a);
    } else {
      activate_kernel<T, value><<<grid, packs_wide, 0, stream>>>(a);
    }
  });
  check_launch("activate");
}

template <typename T>
void activate_backward(const T* x, const float* bias, Activation activation, bool gated, DropoutMask mask, const T* gradient, T* x_gradient, float* partial,
                       int64_t rows, int64_t width, cudaStream_t stream) {
  if (rows == 0) return;
  const Activate<T> a{x, bias, mask, gradient, x_gradient, partial, rows, width};
  const dim3 grid = grid_for(rows, width, gated ? 2 * width : width);
  with_constant(activation, [&](auto constant) {
    constexpr Activation value = decltype(constant)::value;
    if (gated) {
      gate_backward_kernel<T, value><<<grid, packs_wide, 0, stream>>>(a);
    } else {
      activate_backward_kernel<T, value><<<grid, packs_wide, 0, stream>>>(a);
    }
  });
  check_launch("activate_backward");
}

template <typename T>
void join_heads(const T* query, const T* key, const T* value, T* out, float* partial, int64_t tokens, int64_t dim, cudaStream_t stream) {
  if (tokens == 0) return;
  const Join<T> j{{query, key, value}, out, partial, tokens, dim};
  join_kernel<<<grid_for(tokens, 3 * dim, 3 * dim), packs_wide, 0, stream>>>(j);
  check_launch("join_heads");
}

#define LMTX_INSTANTIATE(T)                                                                                                                     \
  template void activate(const T*, const float*, Activation, bool, DropoutMask, T*, int64_t, int64_t, cudaStream_t);                            \
  template void activate_backward(const T*, const float*, Activation, bool, DropoutMask, const T*, T*, float*, int64_t, int64_t, cudaStream_t); \
  template void join_heads(const T*, const T*, const T*, T*, float*, int64_t, int64_t, cudaStream_t);
LMTX_INSTANTIATE(__half)
LMTX_INSTANTIATE(__nv_bfloat16)
#undef LMTX_INSTANTIATE

}  // namespace lmtx::cuda
