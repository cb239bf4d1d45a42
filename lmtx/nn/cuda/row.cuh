// A row of numbers in the registers of a warp, and layer norm of it.
#pragma once

#include "lmtx/nn/cuda/device.cuh"

namespace lmtx::cuda {

constexpr int warps_a_block = 4;
constexpr int block_size = warps_a_block * warp_size;

// Lane l holds packs l, l + 32, ... of the row; those behind its end are zero.
template <int V>
struct Row {
  Pack packs[V];
};

// Calls use(i, first) for each pack that a lane holds: its number in the lane and its first column.
template <int V, typename Use>
__device__ inline void for_each_pack(int dim, const Use& use) {
  const int lane = threadIdx.x % warp_size;
#pragma unroll
  for (int v = 0; v < V; ++v) {
    const int first = (lane + v * warp_size) * pack_size;
    if (first < dim) use(v, first);
  }
}

template <int V>
__device__ inline Row<V> zero_row() {
  Row<V> row;
#pragma unroll
  for (int v = 0; v < V; ++v) {
#pragma unroll
    for (int i = 0; i < pack_size; ++i) row.packs[v].x[i] = 0.0f;
  }
  return row;
}

// Zeros where p is null.
template <int V, typename T>
__device__ inline Row<V> load_row(const T* p, int dim) {
  Row<V> row = zero_row<V>();
  if (p != nullptr) for_each_pack<V>(dim, [&](int v, int first) { row.packs[v] = load(p + first); });
  return row;
}

template <int V, typename T>
__device__ inline void store_row(T* p, const Row<V>& row, int dim) {
  for_each_pack<V>(dim, [&](int v, int first) { store(p + first, row.packs[v]); });
}

template <int V>
__device__ inline void add_to(Row<V>& sum, const Row<V>& row) {
#pragma unroll
  for (int v = 0; v < V; ++v) {
#pragma unroll
    for (int i = 0; i < pack_size; ++i) sum.packs[v].x[i] += row.packs[v].x[i];
  }
}

// Sum over the row of each(v, i), which is called for the numbers of the row only.
template <int V, typename Each>
__device__ inline float row_sum(int dim, const Each& each) {
  float sum = 0.0f;
  for_each_pack<V>(dim, [&](int v, int) {
#pragma unroll
    for (int i = 0; i < pack_size; ++i) sum += each(v, i);
  });
  return warp_sum(sum);
}

// A row of T as it lies in memory: half the registers, for rows that are on their way.
template <int V>
struct RawRow {
  uint4 packs[V];
};

template <int V, typename T>
__device__ inline RawRow<V> load_raw_row(const T* p, int dim) {
  RawRow<V> row{};
  if (p != nullptr) for_each_pack<V>(dim, [&](int v, int first) { row.packs[v] = load_raw(p + first); });
  return row;
}

template <typename T, int V>
__device__ inline Row<V> unpack_row(const RawRow<V>& raw) {
  Row<V> row;
#pragma unroll
  for (int v = 0; v < V; ++v) row.packs[v] = unpack<T>(raw.packs[v]);
  return row;
}

struct Moments {
  float mean, inverse_deviation;
};

template <int V>
__device__ inline Moments moments(const Row<V>& row, int dim, float eps) {
  const float mean = row_sum<V>(dim, [&](int v, int i) { return row.packs[v].x[i]; }) / dim;
  const float variance = row_sum<V>(dim,
                                    [&](int v, int i) {
                                      const float difference = row.packs[v].x[i] - mean;
                                      return difference * difference;
                                    }) /
                         dim;
  return {mean, rsqrtf(variance + eps)};
}

template <int V>
__device__ inline Row<V> normalized(const Row<V>& row, const Moments& m, const Row<V>& weight, const Row<V>& bias) {
  Row<V> out = zero_row<V>();
#pragma unroll
  for (int v = 0; v < V; ++v) {
#pragma unroll
    for (int i = 0; i < pack_size; ++i) out.packs[v].x[i] = (row.packs[v].x[i] - m.mean) * m.inverse_deviation * weight.packs[v].x[i] + bias.packs[v].x[i];
  }
  return out;
}

// The gradient of `row` from that of its norm; adds those of the norm's weight and bias to the sums.
template <int V>
__device__ inline Row<V> norm_backward(const Row<V>& row, const Moments& m, const Row<V>& gradient, const Row<V>& weight, int dim, Row<V>& weight_sum,
                                       Row<V>& bias_sum) {
  const auto unit = [&](int v, int i) { return (row.packs[v].x[i] - m.mean) * m.inverse_deviation; };
  const auto weighted = [&](int v, int i) { return gradient.packs[v].x[i] * weight.packs[v].x[i]; };
  float sum = 0.0f, along = 0.0f;
#pragma unroll
  for (int v = 0; v < V; ++v) {
#pragma unroll
    for (int i = 0; i < pack_size; ++i) {
      sum += weighted(v, i);  // zero behind the end of the row, where the weight is
      along += weighted(v, i) * unit(v, i);
    }
  }
  sum = warp_sum(sum) / dim;
  along = warp_sum(along) / dim;
  Row<V> out;
#pragma unroll
  for (int v = 0; v < V; ++v) {
#pragma unroll
    for (int i = 0; i < pack_size; ++i) {
      const float u = unit(v, i);
      out.packs[v].x[i] = m.inverse_deviation * (weighted(v, i) - sum - u * along);
      weight_sum.packs[v].x[i] += gradient.packs[v].x[i] * u;
      bias_sum.packs[v].x[i] += gradient.packs[v].x[i];
    }
  }
  return out;
}

// partial [dim] = the sum of the block's warps' rows. shared: [warps_a_block, dim].
template <int V>
__device__ inline void store_block_sum(const Row<V>& row, float* partial, float* shared, int dim) {
  store_row<V>(shared + (threadIdx.x / warp_size) * dim, row, dim);
  __syncthreads();
  for (int column = threadIdx.x; column < dim; column += block_size) {
    float sum = 0.0f;
    for (int warp = 0; warp < warps_a_block; ++warp) sum += shared[warp * dim + column];
    partial[column] = sum;
  }
  __syncthreads();
}

// Calls run(std::integral_constant<int, V>) with the packs a lane that rows of `dim` need.
template <typename Run>
void with_packs_a_lane(int64_t dim, const Run& run) {
  const int64_t packs = (dim / pack_size + warp_size - 1) / warp_size;
  if (dim % pack_size != 0 || packs > 8) throw std::runtime_error("Rows of " + std::to_string(dim) + " numbers have no kernel.");
  if (packs <= 1) return run(std::integral_constant<int, 1>());
  if (packs == 2) return run(std::integral_constant<int, 2>());
  if (packs == 3) return run(std::integral_constant<int, 3>());
  if (packs == 4) return run(std::integral_constant<int, 4>());
  run(std::integral_constant<int, 8>());
}

inline unsigned blocks_for(int64_t rows, int64_t blocks_a_multiprocessor) {
  const int64_t needed = (rows + warps_a_block - 1) / warps_a_block;
  const int64_t most = num_multiprocessors() * blocks_a_multiprocessor;
  return static_cast<unsigned>(needed < most ? needed : most);
}

}  // namespace lmtx::cuda
