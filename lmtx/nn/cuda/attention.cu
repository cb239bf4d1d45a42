// Rotary positions, and attention of sequences so short that a kernel for long ones would be nearly empty.
#include <algorithm>
#include <type_traits>

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

// A head of a token's query, key or value, as it lies in memory.
template <typename T, int head_dim>
struct Head {
  uint4 packs[head_dim / pack_size];
};

template <typename T, int head_dim>
__device__ inline Head<T, head_dim> load_head(const T* p) {
  Head<T, head_dim> head;
#pragma unroll
  for (int i = 0; i < head_dim / pack_size; ++i) head.packs[i] = load_raw(p + i * pack_size);
  return head;
}

template <typename T, int head_dim>
__device__ inline float dot(const Head<T, head_dim>& head, const T* other) {
  float sum = 0.0f;
#pragma unroll
  for (int i = 0; i < head_dim / pack_size; ++i) {
    const Pack a = unpack<T>(head.packs[i]), b = load(other + i * pack_size);
#pragma unroll
    for (int n = 0; n < pack_size; ++n) sum += a.x[n] * b.x[n];
  }
  return sum;
}

template <int head_dim>
struct Sum {
  float x[head_dim];
};

// sum += factor * row.
template <typename T, int head_dim>
__device__ inline void add_row(Sum<head_dim>& sum, float factor, const T* row) {
#pragma unroll
  for (int first = 0; first < head_dim; first += pack_size) {
    const Pack pack = load(row + first);
#pragma unroll
    for (int n = 0; n < pack_size; ++n) sum.x[first + n] += factor * pack.x[n];
  }
}

template <typename T, int head_dim>
__device__ inline void store_sum(T* to, const Sum<head_dim>& sum, float factor) {
#pragma unroll
  for (int first = 0; first < head_dim; first += pack_size) {
    Pack pack;
#pragma unroll
    for (int n = 0; n < pack_size; ++n) pack.x[n] = factor * sum.x[first + n];
    store(to + first, pack);
  }
}

// `group` lanes, a power of two, share a head of a sequence: each has one query, and where it needs all queries of a key, one key.
template <typename T, int head_dim, int group>
struct Place {
  // The number of the head among all of the batch.
  int64_t item;
  int64_t begin, head, dim;
  int length, own;
  bool works;

  __device__ explicit Place(const ShortAttention& a) {
    const int64_t number = (static_cast<int64_t>(blockIdx.x) * threads + threadIdx.x) / group;
    works = number < a.sequences * a.heads;
    const int64_t sequence = a.first + (works ? number / a.heads : 0);
    head = number % a.heads;
    item = sequence * a.heads + head;
    dim = a.heads * head_dim;
    begin = a.offsets[sequence];
    length = static_cast<int>(a.offsets[sequence + 1] - begin);
    own = threadIdx.x % group;
    works = works && own < length;
  }
  // Where the head of a token begins in query (0), key (1) or value (2) of qkv, and in a matrix [tokens, dim].
  __device__ int64_t in_qkv(int token, int part) const { return (begin + token) * 3 * dim + part * dim + head * head_dim; }
  __device__ int64_t in_rows(int token) const { return (begin + token) * dim + head * head_dim; }
  __device__ bool in_reach(const ShortAttention& a, int query, int key) const { return a.window < 0 || abs(query - key) <= a.window; }
  // 0 where dropout takes the weight of the pair, else what it is multiplied by.
  __device__ float kept(const ShortAttention& a, int query, int key) const {
    if (a.mask.threshold == 0) return 1.0f;
    const int64_t number = (item * short_attention_length + query) * short_attention_length + key;
    const uint64_t bits = mix(a.mask.stream + static_cast<uint64_t>(number / 4));
    return static_cast<uint32_t>((bits >> (16 * (number % 4))) & 0xffff) >= a.mask.threshold ? a.mask.scale : 0.0f;
  }
};

template <typename T, int head_dim, int group>
__global__ void __launch_bounds__(threads) short_attention_kernel(ShortAttention a, const T* qkv, T* out) {
  const Place<T, head_dim, group> place(a);
  if (!place.works) return;
  const Head<T, head_dim> query = load_head<T, head_dim>(qkv + place.in_qkv(place.own, 0));
  Sum<head_dim> sum{};
  float best = -INFINITY, total = 0.0f;
  for (int key = 0; key < place.length; ++key) {
    if (!place.in_reach(a, place.own, key)) continue;
    float score = dot(query, qkv + place.in_qkv(key, 1)) * a.scale;
    if (a.bias != nullptr) score += a.bias[(place.head * a.bias_length + place.own) * a.bias_length + key];
    // The softmax as it comes: what was added before shrinks when a larger score is found.
    const float larger = fmaxf(best, score), shrink = __expf(best - larger), weight = __expf(score - larger);
    best = larger;
    total = total * shrink + weight;
#pragma unroll
    for (int i = 0; i < head_dim; ++i) sum.x[i] *= shrink;
    add_row(sum, weight * place.kept(a, place.own, key), qkv + place.in_qkv(key, 2));
  }
  store_sum(out + place.in_rows(place.own), sum, 1.0f / total);
}

// log of the sum of exponentials of a query's scores.
template <typename T, int head_dim, int group>
__device__ inline float log_sum(const ShortAttention& a, const Place<T, head_dim, group>& place, const Head<T, head_dim>& query, const T* qkv) {
  float best = -INFINITY, total = 0.0f;
  for (int key = 0; key < place.length; ++key) {
    if (!place.in_reach(a, place.own, key)) continue;
    const float score = dot(query, qkv + place.in_qkv(key, 1)) * a.scale, larger = fmaxf(best, score);
    total = total * __expf(best - larger) + __expf(score - larger);
    best = larger;
  }
  return best + __logf(total);
}

template <typename T>
struct ShortGradients {
  const T* out;
  const T* gradient;
  T* query;
  T* key;
  T* value;
};

template <typename T, int head_dim, int group>
__device__ inline void query_backward(const ShortAttention& a, const Place<T, head_dim, group>& place, const T* qkv, const ShortGradients<T>& g,
                                      float& log_total, float& along) {
  const Head<T, head_dim> query = load_head<T, head_dim>(qkv + place.in_qkv(place.own, 0)),
                          gradient = load_head<T, head_dim>(g.gradient + place.in_rows(place.own));
  log_total = log_sum(a, place, query, qkv);
  along = dot(gradient, g.out + place.in_rows(place.own));
  Sum<head_dim> sum{};
  for (int key = 0; key < place.length; ++key) {
    if (!place.in_reach(a, place.own, key)) continue;
    const T* own_key = qkv + place.in_qkv(key, 1);
    const float weight = __expf(dot(query, own_key) * a.scale - log_total);
    const float of_weight = place.kept(a, place.own, key) * dot(gradient, qkv + place.in_qkv(key, 2));
    add_row(sum, weight * (of_weight - along), own_key);
  }
  store_sum(g.query + place.in_rows(place.own), sum, a.scale);
}

template <typename T, int head_dim, int group>
__device__ inline void key_backward(const ShortAttention& a, const Place<T, head_dim, group>& place, const T* qkv, const ShortGradients<T>& g,
                                    const float* log_totals, const float* alongs) {
  const Head<T, head_dim> key = load_head<T, head_dim>(qkv + place.in_qkv(place.own, 1)), value = load_head<T, head_dim>(qkv + place.in_qkv(place.own, 2));
  Sum<head_dim> key_sum{}, value_sum{};
  for (int query = 0; query < place.length; ++query) {
    if (!place.in_reach(a, query, place.own)) continue;
    const T* own_query = qkv + place.in_qkv(query, 0);
    const T* gradient = g.gradient + place.in_rows(query);
    const float weight = __expf(dot(key, own_query) * a.scale - log_totals[query]), kept = place.kept(a, query, place.own);
    const float of_weight = kept * dot(value, gradient);
    add_row(value_sum, weight * kept, gradient);
    add_row(key_sum, weight * (of_weight - alongs[query]), own_query);
  }
  store_sum(g.key + place.in_rows(place.own), key_sum, a.scale);
  store_sum(g.value + place.in_rows(place.own), value_sum, 1.0f);
}

template <typename T, int head_dim, int group>
__global__ void __launch_bounds__(threads) short_attention_backward_kernel(ShortAttention a, const T* qkv, ShortGradients<T> g) {
  __shared__ float log_totals[threads], alongs[threads];
  const Place<T, head_dim, group> place(a);
  if (place.works) query_backward(a, place, qkv, g, log_totals[threadIdx.x], alongs[threadIdx.x]);
  __syncwarp();
  const int first = threadIdx.x - place.own;
  if (place.works) key_backward(a, place, qkv, g, log_totals + first, alongs + first);
}

// Calls run(group) with the lanes that a sequence needs, as a constant.
template <typename Run>
void with_group(int64_t max_length, const Run& run) {
  if (max_length > short_attention_length)
    throw std::runtime_error("Sequences of " + std::to_string(max_length) + " tokens are too long for the kernel of short ones.");
  if (max_length <= 8) return run(std::integral_constant<int, 8>());
  if (max_length <= 16) return run(std::integral_constant<int, 16>());
  run(std::integral_constant<int, 32>());
}

template <typename Run>
void with_head_dim(int64_t head_dim, const Run& run) {
  switch (head_dim) {
    case 8:
      return run(std::integral_constant<int, 8>());
    case 16:
      return run(std::integral_constant<int, 16>());
    case 32:
      return run(std::integral_constant<int, 32>());
    case 64:
      return run(std::integral_constant<int, 64>());
    default:
      throw std::runtime_error("Heads of " + std::to_string(head_dim) + " numbers have no kernel for short sequences.");
  }
}

unsigned short_blocks(const ShortAttention& a, int64_t group) {
  const int64_t items_a_block = threads / group;
  return static_cast<unsigned>((a.sequences * a.heads + items_a_block - 1) / items_a_block);
}

}  // namespace

template <typename T>
void rotate(T* x, const int32_t* positions, const float* frequencies, bool back, int64_t tokens, int64_t columns, int64_t stride, int64_t head_dim,
            cudaStream_t stream) {
  if (tokens == 0) return;
  const Rotate<T> a{x, positions, frequencies, back ? -1.0f : 1.0f, tokens, columns, stride, head_dim};
  rotate_kernel<<<static_cast<unsigned>(std::min<int64_t>(tokens, 1 << 20)), threads, 0, stream>>>(a);
  check_launch("rotate");
}

template <typename T>
void short_attention(const ShortAttention& attention, const T* qkv, T* out, cudaStream_t stream) {
  if (attention.sequences == 0) return;
  with_group(attention.max_length, [&](auto group) {
    with_head_dim(attention.head_dim, [&](auto head_dim) {
      short_attention_kernel<T, head_dim.value, group.value><<<short_blocks(attention, group), threads, 0, stream>>>(attention, qkv, out);
    });
  });
  check_launch("short_attention");
}

template <typename T>
void short_attention_backward(const ShortAttention& attention, const T* qkv, const T* out, const T* gradient, T* query_gradient, T* key_gradient,
                              T* value_gradient, cudaStream_t stream) {
  if (attention.sequences == 0) return;
  const ShortGradients<T> gradients{out, gradient, query_gradient, key_gradient, value_gradient};
  with_group(attention.max_length, [&](auto group) {
    with_head_dim(attention.head_dim, [&](auto head_dim) {
      short_attention_backward_kernel<T, head_dim.value, group.value><<<short_blocks(attention, group), threads, 0, stream>>>(attention, qkv, gradients);
    });
  });
  check_launch("short_attention_backward");
}

#define LMTX_INSTANTIATE(T)                                                                                       \
  template void rotate(T*, const int32_t*, const float*, bool, int64_t, int64_t, int64_t, int64_t, cudaStream_t); \
  template void short_attention(const ShortAttention&, const T*, T*, cudaStream_t);                               \
  template void short_attention_backward(const ShortAttention&, const T*, const T*, const T*, T*, T*, T*, cudaStream_t);
LMTX_INSTANTIATE(__half)
LMTX_INSTANTIATE(__nv_bfloat16)
#undef LMTX_INSTANTIATE

}  // namespace lmtx::cuda
