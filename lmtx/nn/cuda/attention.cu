// Rotary positions, and attention of sequences so short that a kernel for long ones would be nearly empty.
#include <algorithm>

#include "lmtx/nn/cuda/device.cuh"

namespace lmtx::cuda {
namespace {

constexpr int threads = 128;

template <typename T>
struct Rotate {
  T* x;
  const int32_t* positions;
  const float* frequencies;
  float direction;
  int64_t tokens;
  int64_t columns;
  int64_t stride;
  int64_t head_dim;
};

// A block a token, a thread some of its pairs.
template <typename T>
__global__ void rotate_kernel(Rotate<T> a) {
  const int64_t half = a.head_dim / 2;
  for (int64_t token = blockIdx.x; token < a.tokens; token += gridDim.x) {
    T* row = a.x + token * a.stride;
    const auto position = static_cast<float>(a.positions[token]);
    for (int64_t pair = threadIdx.x; pair < a.columns / 2; pair += threads) {
      T* first = row + pair / half * a.head_dim + pair % half;
      float sine, cosine;
      sincosf(position * a.frequencies[pair % half], &sine, &cosine);
      sine *= a.direction;
      const float x = to_float(first[0]), y = to_float(first[half]);
      first[0] = from_float<T>(x * cosine - y * sine);
      first[half] = from_float<T>(y * cosine + x * sine);
    }
  }
}

template <typename T>
struct ShortAttention {
  const T* qkv;
  const int32_t* offsets;
  const float* bias;
  int64_t bias_length;
  int64_t window;
  T* out;
  int64_t sequences;
  int64_t heads;
  float scale;
};

// A head of a token's query, key or value.
template <int head_dim>
struct HeadRow {
  float x[head_dim];
};

template <typename T, int head_dim>
__device__ inline HeadRow<head_dim> load_head(const T* p) {
  HeadRow<head_dim> row;
#pragma unroll
  for (int first = 0; first < head_dim; first += pack_size) {
    const Pack pack = load(p + first);
#pragma unroll
    for (int i = 0; i < pack_size; ++i) row.x[first + i] = pack.x[i];
  }
  return row;
}

// `group` lanes, a power of two, share a head of a sequence: each has one query and goes over all keys, with the softmax as it comes.
template <typename T, int head_dim, int group>
__global__ void __launch_bounds__(threads) short_attention_kernel(ShortAttention<T> a) {
  const int64_t item = (static_cast<int64_t>(blockIdx.x) * threads + threadIdx.x) / group;
  if (item >= a.sequences * a.heads) return;
  const int64_t sequence = item / a.heads, head = item % a.heads, dim = a.heads * head_dim;
  const int64_t begin = a.offsets[sequence];
  const int length = static_cast<int>(a.offsets[sequence + 1] - begin), query = threadIdx.x % group;
  if (query >= length) return;
  const T* own = a.qkv + begin * 3 * dim + head * head_dim;
  const HeadRow<head_dim> q = load_head<T, head_dim>(own + query * 3 * dim);
  HeadRow<head_dim> sum{};
  float best = -INFINITY, total = 0.0f;
  for (int key = 0; key < length; ++key) {
    if (a.window >= 0 && abs(query - key) > a.window) continue;
    const T* row = own + key * 3 * dim + dim;
    float score = 0.0f;
#pragma unroll
    for (int first = 0; first < head_dim; first += pack_size) {
      const Pack k = load(row + first);
#pragma unroll
      for (int i = 0; i < pack_size; ++i) score += q.x[first + i] * k.x[i];
    }
    score *= a.scale;
    if (a.bias != nullptr) score += a.bias[(head * a.bias_length + query) * a.bias_length + key];
    const float larger = fmaxf(best, score), shrink = __expf(best - larger), weight = __expf(score - larger);
    best = larger;
    total = total * shrink + weight;
#pragma unroll
    for (int first = 0; first < head_dim; first += pack_size) {
      const Pack v = load(row + dim + first);
#pragma unroll
      for (int i = 0; i < pack_size; ++i) sum.x[first + i] = sum.x[first + i] * shrink + weight * v.x[i];
    }
  }
  T* out = a.out + (begin + query) * dim + head * head_dim;
#pragma unroll
  for (int first = 0; first < head_dim; first += pack_size) {
    Pack pack;
#pragma unroll
    for (int i = 0; i < pack_size; ++i) pack.x[i] = sum.x[first + i] / total;
    store(out + first, pack);
  }
}

template <typename T, int head_dim, int group>
void launch_short(const ShortAttention<T>& a, cudaStream_t stream) {
  const int64_t items_a_block = threads / group, items = a.sequences * a.heads;
  short_attention_kernel<T, head_dim, group><<<static_cast<unsigned>((items + items_a_block - 1) / items_a_block), threads, 0, stream>>>(a);
}

template <typename T, int head_dim>
void launch_short(const ShortAttention<T>& a, int64_t max_length, cudaStream_t stream) {
  if (max_length <= 8) return launch_short<T, head_dim, 8>(a, stream);
  if (max_length <= 16) return launch_short<T, head_dim, 16>(a, stream);
  launch_short<T, head_dim, 32>(a, stream);
}

}  // namespace

template <typename T>
void rotate(T* x, const int32_t* positions, const float* frequencies, bool back, int64_t tokens, int64_t columns, int64_t stride, int64_t head_dim, cudaStream_t stream) {
  if (tokens == 0) return;
  const Rotate<T> a{x, positions, frequencies, back ? -1.0f : 1.0f, tokens, columns, stride, head_dim};
  rotate_kernel<<<static_cast<unsigned>(std::min<int64_t>(tokens, 1 << 20)), threads, 0, stream>>>(a);
  check_launch("rotate");
}

template <typename T>
void short_attention(const T* qkv, const int32_t* offsets, const float* bias, int64_t bias_length, int64_t window, T* out, int64_t sequences, int64_t max_length,
                     int64_t heads, int64_t head_dim, float scale, cudaStream_t stream) {
  if (sequences == 0) return;
  if (max_length > short_attention_length) throw std::runtime_error("Sequences of " + std::to_string(max_length) + " tokens are too long for the kernel of short ones.");
  const ShortAttention<T> a{qkv, offsets, bias, bias_length, window, out, sequences, heads, scale};
  switch (head_dim) {
    case 8: launch_short<T, 8>(a, max_length, stream); break;
    case 16: launch_short<T, 16>(a, max_length, stream); break;
    case 32: launch_short<T, 32>(a, max_length, stream); break;
    case 64: launch_short<T, 64>(a, max_length, stream); break;
    default: throw std::runtime_error("Heads of " + std::to_string(head_dim) + " numbers have no kernel for short sequences.");
  }
  check_launch("short_attention");
}

#define LMTX_INSTANTIATE(T)                                                                                                                                  \
  template void rotate(T*, const int32_t*, const float*, bool, int64_t, int64_t, int64_t, int64_t, cudaStream_t);                                            \
  template void short_attention(const T*, const int32_t*, const float*, int64_t, int64_t, T*, int64_t, int64_t, int64_t, int64_t, float, cudaStream_t);
LMTX_INSTANTIATE(__half)
LMTX_INSTANTIATE(__nv_bfloat16)
#undef LMTX_INSTANTIATE

}  // namespace lmtx::cuda
