// Embeddings with their norm and dropout, and gradients of the tables.
#include <type_traits>

#include "lmtx/nn/cuda/row.cuh"

namespace lmtx::cuda {
namespace {

// A warp a sequence.
__global__ void positions_kernel(const int32_t* ids, const int32_t* offsets, int64_t sequences, int64_t padding_id, int32_t* positions) {
  const int64_t sequence = static_cast<int64_t>(blockIdx.x) * warps_a_block + threadIdx.x / warp_size;
  const int lane = threadIdx.x % warp_size;
  if (sequence >= sequences) return;
  const int32_t begin = offsets[sequence], end = offsets[sequence + 1];
  int32_t counted = 0;  // tokens before this stretch of 32 that count
  for (int32_t first = begin; first < end; first += warp_size) {
    const int32_t token = first + lane;
    if (padding_id < 0) {
      if (token < end) positions[token] = token - begin;
      continue;
    }
    const bool counts = token < end && ids[token] != padding_id;
    const unsigned all = __ballot_sync(0xffffffffu, counts);
    const int32_t before = counted + __popc(all & ((1u << lane) - 1));
    if (token < end) positions[token] = static_cast<int32_t>(padding_id) + (counts ? before + 1 : 0);
    counted += __popc(all);
  }
}

struct Tokens {
  const int32_t* ids;
  const int32_t* positions;
  EmbeddingPointers tables;
  NormPointers norm;
  DropoutMask mask;
  int64_t count;
  int dim;
};

template <int V>
__device__ inline Row<V> embedding_of(const Tokens& tokens, int64_t token) {
  Row<V> row = load_row<V>(tokens.tables.words + static_cast<int64_t>(tokens.ids[token]) * tokens.dim, tokens.dim);
  if (tokens.tables.positions != nullptr) {
    add_to(row, load_row<V>(tokens.tables.positions + static_cast<int64_t>(tokens.positions[token]) * tokens.dim, tokens.dim));
  }
  if (tokens.tables.type != nullptr) add_to(row, load_row<V>(tokens.tables.type, tokens.dim));
  return row;
}

template <typename T, int V>
__global__ void __launch_bounds__(block_size) embed_norm_kernel(Tokens tokens, T* out) {
  const Row<V> weight = load_row<V>(tokens.norm.weight, tokens.dim), bias = load_row<V>(tokens.norm.bias, tokens.dim);
  const int64_t step = static_cast<int64_t>(gridDim.x) * warps_a_block;
  for (int64_t t = static_cast<int64_t>(blockIdx.x) * warps_a_block + threadIdx.x / warp_size; t < tokens.count; t += step) {
    const Row<V> embedding = embedding_of<V>(tokens, t);
    Row<V> row = normalized(embedding, moments(embedding, tokens.dim, tokens.norm.eps), weight, bias);
    for_each_pack<V>(tokens.dim, [&](int v, int first) { drop(row.packs[v], t * tokens.dim + first, tokens.mask); });
    store_row(out + t * tokens.dim, row, tokens.dim);
  }
}

template <typename T, int V>
__global__ void __launch_bounds__(block_size) embed_norm_backward_kernel(Tokens tokens, T* gradient, float* partial) {
  extern __shared__ float shared[];
  const Row<V> weight = load_row<V>(tokens.norm.weight, tokens.dim);
  Row<V> weight_sum = zero_row<V>(), bias_sum = zero_row<V>(), all_sum = zero_row<V>();
  const int64_t step = static_cast<int64_t>(gridDim.x) * warps_a_block;
  for (int64_t t = static_cast<int64_t>(blockIdx.x) * warps_a_block + threadIdx.x / warp_size; t < tokens.count; t += step) {
    Row<V> given = load_row<V>(gradient + t * tokens.dim, tokens.dim);
    for_each_pack<V>(tokens.dim, [&](int v, int first) { drop(given.packs[v], t * tokens.dim + first, tokens.mask); });
    const Row<V> embedding = embedding_of<V>(tokens, t);
    const Row<V> row = norm_backward(embedding, moments(embedding, tokens.dim, tokens.norm.eps), given, weight, tokens.dim, weight_sum, bias_sum);
    store_row(gradient + t * tokens.dim, row, tokens.dim);
    add_to(all_sum, row);
  }
  float* own = partial + static_cast<int64_t>(blockIdx.x) * 3 * tokens.dim;
  store_block_sum(weight_sum, own, shared, tokens.dim);
  store_block_sum(bias_sum, own + tokens.dim, shared, tokens.dim);
  store_block_sum(all_sum, own + 2 * tokens.dim, shared, tokens.dim);
}

template <typename T>
struct Gather {
  const T* gradient;
  const int32_t* keys;
  const int64_t* order;
  float* table;
  float* partial;
  int64_t tokens;
  int64_t dim;
};

__device__ inline void add_pack(float* to, const Pack& pack) {
  Pack sum = load(to);
#pragma unroll
  for (int i = 0; i < pack_size; ++i) sum.x[i] += pack.x[i];
  store(to, sum);
}

// A block a chunk of sorted keys, a thread a pack of columns. A run of equal keys that lies within the chunk goes to the table; what goes on beyond it, to
// `partial`.
template <typename T>
__global__ void gather_kernel(Gather<T> g) {
  const int64_t column = (static_cast<int64_t>(blockIdx.y) * blockDim.x + threadIdx.x) * pack_size;
  if (column >= g.dim) return;
  const int64_t begin = static_cast<int64_t>(blockIdx.x) * gather_chunk, end = min(begin + gather_chunk, g.tokens);
  for (int64_t first = begin; first < end;) {
    const int32_t key = g.keys[first];
    Pack sum{};
    int64_t i = first;
    for (; i < end && g.keys[i] == key; ++i) {
      const Pack row = load(g.gradient + g.order[i] * g.dim + column);
#pragma unroll
      for (int n = 0; n < pack_size; ++n) sum.x[n] += row.x[n];
    }
    const bool began_before = first == begin && begin > 0 && g.keys[begin - 1] == key;
    const bool goes_on = i == end && end < g.tokens && g.keys[end] == key;
    if (!began_before && !goes_on) {
      add_pack(g.table + static_cast<int64_t>(key) * g.dim + column, sum);
    } else {
      store(g.partial + (blockIdx.x * int64_t{2} + (began_before ? 0 : 1)) * g.dim + column, sum);
    }
    first = i;
  }
}

// Runs that go on beyond the chunk they begin in: the chunk's block adds them up.
template <typename T>
__global__ void join_chunks_kernel(Gather<T> g) {
  const int64_t column = (static_cast<int64_t>(blockIdx.y) * blockDim.x + threadIdx.x) * pack_size;
  if (column >= g.dim) return;
  const int64_t begin = static_cast<int64_t>(blockIdx.x) * gather_chunk, end = min(begin + gather_chunk, g.tokens);
  if (end == g.tokens) return;
  const int32_t key = g.keys[end - 1];
  if (g.keys[end] != key) return;
  const bool began_before = begin > 0 && g.keys[begin - 1] == key && g.keys[begin] == key;
  if (began_before) return;
  Pack sum = load(g.partial + (blockIdx.x * int64_t{2} + 1) * g.dim + column);
  for (int64_t chunk = blockIdx.x + int64_t{1}; chunk * gather_chunk < g.tokens && g.keys[chunk * gather_chunk] == key; ++chunk) {
    const Pack more = load(g.partial + chunk * 2 * g.dim + column);
#pragma unroll
    for (int n = 0; n < pack_size; ++n) sum.x[n] += more.x[n];
  }
  add_pack(g.table + static_cast<int64_t>(key) * g.dim + column, sum);
}

}  // namespace

void token_positions(const int32_t* ids, const int32_t* offsets, int64_t sequences, int64_t padding_id, int32_t* positions, cudaStream_t stream) {
  if (sequences == 0) return;
  const auto blocks = static_cast<unsigned>((sequences + warps_a_block - 1) / warps_a_block);
  positions_kernel<<<blocks, block_size, 0, stream>>>(ids, offsets, sequences, padding_id, positions);
  check_launch("token_positions");
}

template <typename T>
void embed_norm(const int32_t* ids, const int32_t* positions, EmbeddingPointers tables, NormPointers norm, DropoutMask mask, T* out, int64_t tokens,
                int64_t dim, cudaStream_t stream) {
  if (tokens == 0) return;
  const Tokens all{ids, positions, tables, norm, mask, tokens, static_cast<int>(dim)};
  with_packs_a_lane(dim, [&](auto packs) { embed_norm_kernel<T, packs.value><<<blocks_for(tokens, 6), block_size, 0, stream>>>(all, out); });
  check_launch("embed_norm");
}

template <typename T>
void embed_norm_backward(const int32_t* ids, const int32_t* positions, EmbeddingPointers tables, NormPointers norm, DropoutMask mask, T* gradient,
                         float* partial, int64_t tokens, int64_t dim, cudaStream_t stream) {
  if (tokens == 0) return;
  const Tokens all{ids, positions, tables, norm, mask, tokens, static_cast<int>(dim)};
  const auto blocks = static_cast<unsigned>(partial_rows(tokens));
  const size_t shared = warps_a_block * dim * sizeof(float);
  with_packs_a_lane(dim, [&](auto packs) { embed_norm_backward_kernel<T, packs.value><<<blocks, block_size, shared, stream>>>(all, gradient, partial); });
  check_launch("embed_norm_backward");
}

template <typename T>
void add_rows_by_key(const T* gradient, const int32_t* keys, const int64_t* order, float* table, float* partial, int64_t tokens, int64_t dim,
                     cudaStream_t stream) {
  if (tokens == 0) return;
  const Gather<T> g{gradient, keys, order, table, partial, tokens, dim};
  constexpr int threads = 96;
  const auto chunks = static_cast<unsigned>(gather_chunks(tokens));
  const dim3 grid(chunks, static_cast<unsigned>((dim / pack_size + threads - 1) / threads));
  gather_kernel<<<grid, threads, 0, stream>>>(g);
  check_launch("add_rows_by_key");
  join_chunks_kernel<<<grid, threads, 0, stream>>>(g);
  check_launch("add_rows_by_key");
}

#define LMTX_INSTANTIATE(T)                                                                                                                                    \
  template void embed_norm(const int32_t*, const int32_t*, EmbeddingPointers, NormPointers, DropoutMask, T*, int64_t, int64_t, cudaStream_t);                  \
  template void embed_norm_backward(const int32_t*, const int32_t*, EmbeddingPointers, NormPointers, DropoutMask, T*, float*, int64_t, int64_t, cudaStream_t); \
  template void add_rows_by_key(const T*, const int32_t*, const int64_t*, float*, float*, int64_t, int64_t, cudaStream_t);
LMTX_INSTANTIATE(__half)
LMTX_INSTANTIATE(__nv_bfloat16)
#undef LMTX_INSTANTIATE

}  // namespace lmtx::cuda
