// From float32 vectors to what the search works on: float16 copies, and how far they are from the originals.
#include <cfloat>

#include "lmtx/search/cuda/launch.cuh"

namespace lmtx::cuda {
namespace {

constexpr int block_size = 256;

// Scales and rounds a vector, a warp together; returns the length of what the rounding took away. The difference is a float32 number, and found exactly.
__device__ float round_vector(const float* from, __half* to, int64_t dim, int64_t padded_dim, float scale) {
  float squares = 0;
  for (int64_t j = threadIdx.x % warp_size; j < padded_dim; j += warp_size) {
    const float number = j < dim ? from[j] * scale : 0.0f;
    const __half rounded = __float2half_rn(number);
    to[j] = rounded;
    const float difference = number - __half2float(rounded);
    squares += difference * difference;
  }
  return never_below(sqrtf(sum_of_warp(squares)), dim);
}

// A warp a row.
__global__ void round_rows_kernel(const float* rows, __half* half_rows, float* rounding, int64_t count, int64_t padded_count, int64_t dim, int64_t padded_dim,
                                  int exponent) {
  const int64_t num_warps = static_cast<int64_t>(gridDim.x) * (block_size / warp_size);
  const float scale = power_of_two(exponent);
  float largest = 0;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * (block_size / warp_size) + threadIdx.x / warp_size; i < padded_count; i += num_warps) {
    // Rows beyond count become zero.
    const float length = round_vector(rows + (i < count ? i : 0) * dim, half_rows + i * padded_dim, i < count ? dim : 0, padded_dim, scale);
    if (i < count) largest = fmaxf(largest, length);
  }
  // Numbers from 0 up are ordered as their bits are.
  if (threadIdx.x % warp_size == 0) atomicMax(reinterpret_cast<int*>(rounding), __float_as_int(largest));
}

// A warp a query.
__global__ void prepare_queries_kernel(const float* queries, __half* half_queries, RoundedVectors* figures, QueryFaults* faults, int64_t count, int64_t dim,
                                       int64_t padded_dim, int64_t first, double longest_row, double largest_product) {
  const int64_t q = static_cast<int64_t>(blockIdx.x) * (block_size / warp_size) + threadIdx.x / warp_size;
  if (q >= count) return;
  const float* query = queries + q * dim;
  const double square = exact_square(query, dim);
  const double length = sqrt(square);
  const bool finite = isfinite(square);
  const int exponent = finite ? scale_exponent(length) : 0;
  const float rounding = round_vector(query, half_queries + q * padded_dim, dim, padded_dim, power_of_two(exponent));
  if (threadIdx.x % warp_size != 0) return;
  figures[q] = {length, rounding, exponent};
  if (!finite) atomicMin(&faults->not_finite, static_cast<int32_t>(first + q));
  if (finite && length * longest_row > largest_product) atomicMin(&faults->too_long, static_cast<int32_t>(first + q));
}

}  // namespace

void use_device(int device) {
  if (cudaSetDevice(device) != cudaSuccess) check_launch("(choice of the device)");
}

void round_rows(const float* rows, __half* half_rows, float* rounding, int64_t count, int64_t dim, int exponent, cudaStream_t stream) {
  const int64_t rows_a_block = block_size / warp_size;
  const int64_t blocks = (padded(count) + rows_a_block - 1) / rows_a_block;
  if (cudaMemsetAsync(rounding, 0, sizeof(float), stream) != cudaSuccess) check_launch("(memset)");
  round_rows_kernel<<<static_cast<unsigned>(blocks < 4096 ? blocks : 4096), block_size, 0, stream>>>(rows, half_rows, rounding, count, padded(count), dim,
                                                                                                     padded(dim), exponent);
  check_launch("round_rows");
}

void prepare_queries(const float* queries, __half* half_queries, RoundedVectors* figures, QueryFaults* faults, int64_t count, int64_t dim, int64_t first,
                     double longest_row, double largest_product, cudaStream_t stream) {
  const int64_t queries_a_block = block_size / warp_size;
  const int64_t blocks = (count + queries_a_block - 1) / queries_a_block;
  prepare_queries_kernel<<<static_cast<unsigned>(blocks), block_size, 0, stream>>>(queries, half_queries, figures, faults, count, dim, padded(dim), first,
                                                                                   longest_row, largest_product);
  check_launch("prepare_queries");
}

}  // namespace lmtx::cuda
