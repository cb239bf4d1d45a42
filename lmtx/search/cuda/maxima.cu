// One look at all scores: the largest of each group of rows.
#include "lmtx/search/cuda/launch.cuh"

namespace lmtx::cuda {
namespace {

constexpr int block_size = 256;
// Halves a load of 16 bytes, and groups that a thread looks after.
constexpr int at_once = 8;

struct alignas(16) EightHalves {
  __half2 pairs[at_once / 2];
};

__device__ EightHalves load_eight(const __half* from) {
  const uint4 bits = __ldcs(reinterpret_cast<const uint4*>(from));
  EightHalves eight;
  *reinterpret_cast<uint4*>(&eight) = bits;
  return eight;
}

__device__ float half_at(const EightHalves& eight, int j) {
  return __half2float(j % 2 == 0 ? __low2half(eight.pairs[j / 2]) : __high2half(eight.pairs[j / 2]));
}

// Without offsets the largest score is that of the largest product.
__device__ void largest_products(const __half* scores, float scale, int64_t num_rows, int64_t first_group, int64_t num_groups, float* maxima) {
  const __half2 none = __float2half2_rn(-INFINITY);
  __half2 largest[at_once / 2] = {none, none, none, none};
  // Where no row beyond the last is among the eight.
  const int64_t end = num_rows - num_rows % at_once;
  int64_t row = first_group;
#pragma unroll 8
  for (; row < end; row += num_groups) {
    const EightHalves eight = load_eight(scores + row);
#pragma unroll
    for (int j = 0; j < at_once / 2; ++j) largest[j] = __hmax2(largest[j], eight.pairs[j]);
  }
  EightHalves found;
#pragma unroll
  for (int j = 0; j < at_once / 2; ++j) found.pairs[j] = largest[j];
#pragma unroll
  for (int j = 0; j < at_once; ++j) {
    maxima[j] = half_at(found, j);
    if (row + j < num_rows) maxima[j] = fmaxf(maxima[j], __half2float(scores[row + j]));
    // Infinity times a scale of 0 is none.
    if (maxima[j] > -INFINITY) maxima[j] *= scale;
  }
}

__device__ void largest_scores(const __half* scores, float scale, const float* offsets, int64_t num_rows, int64_t first_group, int64_t num_groups,
                               float* maxima) {
#pragma unroll
  for (int j = 0; j < at_once; ++j) maxima[j] = -INFINITY;
#pragma unroll 4
  for (int64_t row = first_group; row < num_rows; row += num_groups) {
    const EightHalves eight = load_eight(scores + row);
#pragma unroll
    for (int j = 0; j < at_once; ++j) {
      if (row + j < num_rows) maxima[j] = fmaxf(maxima[j], with_offset(half_at(eight, j), scale, offsets, row + j));
    }
  }
}

// Block (x, y): eight groups a thread, of query y.
__global__ void find_maxima_kernel(const __half* scores, float* maxima, const RoundedVectors* figures, const float* offsets, int64_t num_rows,
                                   int64_t padded_rows, int64_t num_groups, int row_exponent) {
  const int64_t first_group = (static_cast<int64_t>(blockIdx.x) * block_size + threadIdx.x) * at_once;
  if (first_group >= num_groups) return;
  const int64_t q = blockIdx.y;
  const float scale = power_of_two(-(figures[q].exponent + row_exponent));
  float found[at_once];
  if (offsets == nullptr) {
    largest_products(scores + q * padded_rows, scale, num_rows, first_group, num_groups, found);
  } else {
    largest_scores(scores + q * padded_rows, scale, offsets, num_rows, first_group, num_groups, found);
  }
  float4* to = reinterpret_cast<float4*>(maxima + q * num_groups + first_group);
  to[0] = make_float4(found[0], found[1], found[2], found[3]);
  to[1] = make_float4(found[4], found[5], found[6], found[7]);
}

// Sums of products, added up in float32.
__device__ float multiply_eight(const uint4& a, const float (&b)[at_once], float sum) {
  const auto* pairs = reinterpret_cast<const __half2*>(&a);
#pragma unroll
  for (int j = 0; j < at_once / 2; ++j) {
    const float2 two = __half22float2(pairs[j]);
    sum = fmaf(two.x, b[2 * j], sum);
    sum = fmaf(two.y, b[2 * j + 1], sum);
  }
  return sum;
}

__device__ void load_query(const __half* query, float (&numbers)[at_once]) {
  const uint4 bits = *reinterpret_cast<const uint4*>(query);
  const auto* pairs = reinterpret_cast<const __half2*>(&bits);
#pragma unroll
  for (int j = 0; j < at_once / 2; ++j) {
    const float2 two = __half22float2(pairs[j]);
    numbers[2 * j] = two.x;
    numbers[2 * j + 1] = two.y;
  }
}

// Rows on their way from memory at the same time.
constexpr int rows_at_once = 4;

// The products of a query with rows_at_once rows, each `stride` rows after the one before; those from num_rows on are not read. Loads of a lane: `Loads`, or as
// many as it takes where that is 0. `query`: what the lane multiplies with, where Loads is not 0.
template <int Loads>
__device__ void multiply_rows(const __half* half_rows, int64_t first, int64_t stride, int64_t num_rows, int64_t padded_dim, const __half* half_query,
                              const float (*query)[at_once], float (&sums)[rows_at_once]) {
  const int lane = threadIdx.x % warp_size;
#pragma unroll
  for (int r = 0; r < rows_at_once; ++r) sums[r] = 0;
  if constexpr (Loads > 0) {
    uint4 numbers[rows_at_once][Loads];
#pragma unroll
    for (int r = 0; r < rows_at_once; ++r) {
      const int64_t row = first + r * stride;
#pragma unroll
      for (int i = 0; i < Loads; ++i) {
        const int64_t at = static_cast<int64_t>(i * warp_size + lane) * at_once;
        numbers[r][i] = row < num_rows && at < padded_dim ? __ldcs(reinterpret_cast<const uint4*>(half_rows + row * padded_dim + at)) : make_uint4(0, 0, 0, 0);
      }
    }
#pragma unroll
    for (int r = 0; r < rows_at_once; ++r) {
#pragma unroll
      for (int i = 0; i < Loads; ++i) sums[r] = multiply_eight(numbers[r][i], query[i], sums[r]);
    }
  } else {
    for (int64_t at = static_cast<int64_t>(lane) * at_once; at < padded_dim; at += warp_size * at_once) {
      float part[at_once];
      load_query(half_query + at, part);
#pragma unroll
      for (int r = 0; r < rows_at_once; ++r) {
        const int64_t row = first + r * stride;
        if (row < num_rows) sums[r] = multiply_eight(__ldcs(reinterpret_cast<const uint4*>(half_rows + row * padded_dim + at)), part, sums[r]);
      }
    }
  }
}

// A warp a group; scores of a group lie side by side.
template <int Loads>
__global__ void multiply_one_kernel(float* scores, float* maxima, const __half* half_query, const RoundedVectors* figures, const __half* half_rows,
                                    const float* offsets, int64_t num_rows, int64_t padded_dim, Groups groups, int row_exponent) {
  const int64_t group = static_cast<int64_t>(blockIdx.x) * (block_size / warp_size) + threadIdx.x / warp_size;
  if (group >= groups.count) return;
  const int lane = threadIdx.x % warp_size;
  float query[Loads > 0 ? Loads : 1][at_once];
  if constexpr (Loads > 0) {
#pragma unroll
    for (int i = 0; i < Loads; ++i) {
      const int64_t at = static_cast<int64_t>(i * warp_size + lane) * at_once;
      for (float& number : query[i]) number = 0;
      if (at < padded_dim) load_query(half_query + at, query[i]);
    }
  }
  const float scale = power_of_two(-(figures->exponent + row_exponent));
  float largest = -INFINITY;
  for (int64_t step = 0; step < groups.depth; step += rows_at_once) {
    float sums[rows_at_once];
    const int64_t first = group + step * groups.count;
    multiply_rows<Loads>(half_rows, first, groups.count, num_rows, padded_dim, half_query, query, sums);
#pragma unroll
    for (int r = 0; r < rows_at_once; ++r) {
      const float sum = sum_of_warp(sums[r]);
      const int64_t row = first + r * groups.count;
      if (row >= num_rows) continue;
      largest = fmaxf(largest, with_offset(sum, scale, offsets, row));
      if (lane == 0) scores[group * groups.depth + step + r] = sum;
    }
  }
  if (lane == 0) maxima[group] = largest;
}

}  // namespace

Groups groups_for(int64_t num_rows) {
  constexpr int64_t enough = 8192;
  if (num_rows <= enough) return {padded(num_rows), 1};
  const int64_t wanted = padded(num_rows / 64);
  const int64_t count = wanted < enough ? enough : wanted < most_groups ? wanted : most_groups;
  return {count, (num_rows + count - 1) / count};
}

void find_maxima(const __half* scores, float* maxima, const QueriesOnCard& queries, const RowsOnCard& rows, const Groups& groups, cudaStream_t stream) {
  const int64_t threads = groups.count / at_once;
  const dim3 blocks(static_cast<unsigned>((threads + block_size - 1) / block_size), static_cast<unsigned>(queries.count));
  find_maxima_kernel<<<blocks, block_size, 0, stream>>>(scores, maxima, queries.figures, rows.offsets, rows.count, padded(rows.count), groups.count,
                                                        rows.exponent);
  check_launch("find_maxima");
}

void multiply_one(float* scores, float* maxima, const QueriesOnCard& query, const RowsOnCard& rows, const Groups& groups, cudaStream_t stream) {
  const int64_t groups_a_block = block_size / warp_size;
  const auto blocks = static_cast<unsigned>((groups.count + groups_a_block - 1) / groups_a_block);
  const int64_t padded_dim = padded(rows.dim);
  const int64_t loads = (padded_dim + warp_size * at_once - 1) / (warp_size * at_once);
  auto* const kernel = loads == 1   ? multiply_one_kernel<1>
                       : loads == 2 ? multiply_one_kernel<2>
                       : loads == 3 ? multiply_one_kernel<3>
                       : loads == 4 ? multiply_one_kernel<4>
                                    : multiply_one_kernel<0>;
  kernel<<<blocks, block_size, 0, stream>>>(scores, maxima, query.half_queries, query.figures, rows.half_rows, rows.offsets, rows.count, padded_dim, groups,
                                            rows.exponent);
  check_launch("multiply_one");
}

}  // namespace lmtx::cuda
