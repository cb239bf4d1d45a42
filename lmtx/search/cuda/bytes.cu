// One query and rows in bytes: half of what float16 takes to read, which is all that one query takes time for.
#include "lmtx/search/cuda/launch.cuh"

namespace lmtx::cuda {
namespace {

constexpr int block_size = 256;
// A query's numbers are whole numbers up to this, times a scale: 128 times one byte, plus another.
constexpr float largest_whole = 127 * 128;

// Differences from whole numbers times a scale are rounded themselves, unlike those from float16: at most 2^-22 of a scaled length below 128.
constexpr float rounded_again = 0x1p-14f;

__device__ float largest_of_warp(float number) {
  for (int offset = warp_size / 2; offset > 0; offset /= 2) number = fmaxf(number, __shfl_xor_sync(all_lanes, number, offset));
  return number;
}

// The largest absolute number of a vector, scaled by a power of two; in every lane of a warp.
__device__ float largest_size(const float* vector, int64_t dim, float power) {
  float largest = 0;
  for (int64_t j = threadIdx.x % warp_size; j < dim; j += warp_size) largest = fmaxf(largest, fabsf(vector[j] * power));
  return largest_of_warp(largest);
}

// A warp a row.
__global__ void round_rows_to_bytes_kernel(const float* rows, int8_t* bytes, float* scales, float* rounding, int64_t count, int64_t dim, int64_t padded_dim,
                                           int exponent) {
  const int64_t num_warps = static_cast<int64_t>(gridDim.x) * (block_size / warp_size);
  const float power = power_of_two(exponent);
  float most = 0;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * (block_size / warp_size) + threadIdx.x / warp_size; i < count; i += num_warps) {
    const float* row = rows + i * dim;
    const float scale = largest_size(row, dim, power) / 127;
    float squares = 0;
    for (int64_t j = threadIdx.x % warp_size; j < padded_dim; j += warp_size) {
      const float number = j < dim ? row[j] * power : 0.0f;
      const float whole = scale > 0 ? fminf(fmaxf(rintf(number / scale), -127.0f), 127.0f) : 0.0f;
      bytes[i * padded_dim + j] = static_cast<int8_t>(whole);
      const float difference = number - whole * scale;
      squares += difference * difference;
    }
    if (threadIdx.x % warp_size == 0) scales[i] = scale;
    most = fmaxf(most, never_below(sqrtf(sum_of_warp(squares)), dim) + rounded_again);
  }
  if (threadIdx.x % warp_size == 0) atomicMax(reinterpret_cast<int*>(rounding), __float_as_int(most));
}

__device__ float larger(float a, float b) { return fmaxf(a, b); }
__device__ float sum_of(float a, float b) { return a + b; }

// combine() over a block, in every thread; `shared`: of one warp's size.
template <typename Combine>
__device__ float over_block(float number, const Combine& combine, float* shared) {
  for (int offset = warp_size / 2; offset > 0; offset /= 2) number = combine(number, __shfl_xor_sync(all_lanes, number, offset));
  // What was there before has been read.
  __syncthreads();
  if (threadIdx.x % warp_size == 0) shared[threadIdx.x / warp_size] = number;
  __syncthreads();
  float all = shared[0];
  for (int warp = 1; warp < block_size / warp_size; ++warp) all = combine(all, shared[warp]);
  return all;
}

// What prepare_query() writes to.
struct OneQuery {
  const float* query;
  __half* half_query;
  RoundedVectors* figures;
  int8_t* bytes;
  ByteFigures* byte_figures;
  QueryFaults* faults;
  int32_t* missed;
};

// Rounds one number to float16 and to two bytes; adds the squares of what is lost.
__device__ void round_number(const OneQuery& one, int64_t j, float number, float scale, int64_t dim, float& half_squares, float& byte_squares) {
  if (j < padded(dim)) {
    const __half rounded = __float2half_rn(number);
    one.half_query[j] = rounded;
    const float difference = number - __half2float(rounded);
    half_squares += difference * difference;
  }
  const float whole = scale > 0 ? fminf(fmaxf(rintf(number / scale), -largest_whole), largest_whole) : 0.0f;
  const float high = rintf(whole / 128);
  one.bytes[j] = static_cast<int8_t>(high);
  one.bytes[padded_bytes(dim) + j] = static_cast<int8_t>(whole - high * 128);
  const float difference = number - whole * scale;
  byte_squares += difference * difference;
}

// By one block. All of prepare_queries() for one query, and bytes: first the higher ones, then the lower ones.
__global__ void prepare_query_kernel(OneQuery one, int64_t dim, double longest_row, double largest_product) {
  __shared__ float numbers[most_byte_dims];
  __shared__ float of_warps[warp_size];
  __shared__ double shared_square;
  float largest = 0;
  for (int64_t j = threadIdx.x; j < dim; j += block_size) {
    numbers[j] = one.query[j];
    largest = fmaxf(largest, fabsf(numbers[j]));
  }
  largest = over_block(largest, larger, of_warps);
  if (threadIdx.x < warp_size) {
    const double square = exact_square(numbers, dim);
    if (threadIdx.x == 0) shared_square = square;
  }
  __syncthreads();
  const double length = sqrt(shared_square);
  const bool finite = isfinite(shared_square);
  const int exponent = finite ? scale_exponent(length) : 0;
  const float power = power_of_two(exponent), scale = largest * power / largest_whole;
  float half_squares = 0, byte_squares = 0;
  for (int64_t j = threadIdx.x; j < padded_bytes(dim); j += block_size) {
    round_number(one, j, j < dim ? numbers[j] * power : 0.0f, scale, dim, half_squares, byte_squares);
  }
  half_squares = over_block(half_squares, sum_of, of_warps);
  byte_squares = over_block(byte_squares, sum_of, of_warps);
  if (threadIdx.x != 0) return;
  *one.figures = {length, never_below(sqrtf(half_squares), dim), exponent};
  *one.byte_figures = {{length, never_below(sqrtf(byte_squares), dim) + rounded_again, exponent}, scale};
  *one.faults = {finite ? no_fault : 0, finite && length * longest_row > largest_product ? 0 : no_fault};
  *one.missed = 0;
}

// Lanes that share a row; each loads 16 bytes at a time.
constexpr int lanes = 16;
constexpr int bytes_a_load = 16;
// Rows of a group on their way from memory at the same time.
constexpr int rows_at_once = 4;

__device__ int multiply_bytes(const int4& a, const int4& b, int sum) {
  sum = __dp4a(a.x, b.x, sum);
  sum = __dp4a(a.y, b.y, sum);
  sum = __dp4a(a.z, b.z, sum);
  return __dp4a(a.w, b.w, sum);
}

// The sum of each 16 lanes, in all of them.
__device__ int sum_of_lanes(int sum) {
  for (int offset = lanes / 2; offset > 0; offset /= 2) sum += __shfl_xor_sync(all_lanes, sum, offset);
  return sum;
}

// 16 lanes a group; scores of a group lie side by side. Whole numbers are added up, so nothing is lost until the end: 127 * 127 * most_byte_dims < 2^31.
template <int Loads>
__global__ void __launch_bounds__(block_size)
    multiply_by_bytes_kernel(float* scores, float* maxima, const int8_t* query_bytes, const ByteFigures* figures, const int8_t* bytes, const float* scales,
                             const float* offsets, int64_t num_rows, int64_t padded_dim, Groups groups, int row_exponent) {
  const int lane = threadIdx.x % lanes;
  const int64_t group = static_cast<int64_t>(blockIdx.x) * (block_size / lanes) + threadIdx.x / lanes;
  int4 high[Loads], low[Loads];
#pragma unroll
  for (int i = 0; i < Loads; ++i) {
    const int64_t at = static_cast<int64_t>(i * lanes + lane) * bytes_a_load;
    high[i] = low[i] = make_int4(0, 0, 0, 0);
    if (at >= padded_dim) continue;
    high[i] = *reinterpret_cast<const int4*>(query_bytes + at);
    low[i] = *reinterpret_cast<const int4*>(query_bytes + padded_dim + at);
  }
  const float query_scale = figures->scale;
  const float scale = power_of_two(-(figures->vectors.exponent + row_exponent));
  float largest = -INFINITY;
  // Lanes without a group go along, as shuffles want all of a warp.
  for (int64_t step = 0; step < groups.depth; step += rows_at_once) {
    int4 numbers[rows_at_once][Loads];
    float row_scales[rows_at_once];
#pragma unroll
    for (int r = 0; r < rows_at_once; ++r) {
      const int64_t row = group + (step + r) * groups.count;
      const bool any = group < groups.count && row < num_rows;
      row_scales[r] = any ? scales[row] : 0.0f;
#pragma unroll
      for (int i = 0; i < Loads; ++i) {
        const int64_t at = static_cast<int64_t>(i * lanes + lane) * bytes_a_load;
        numbers[r][i] = any && at < padded_dim ? __ldcs(reinterpret_cast<const int4*>(bytes + row * padded_dim + at)) : make_int4(0, 0, 0, 0);
      }
    }
#pragma unroll
    for (int r = 0; r < rows_at_once; ++r) {
      int higher = 0, lower = 0;
#pragma unroll
      for (int i = 0; i < Loads; ++i) {
        higher = multiply_bytes(numbers[r][i], high[i], higher);
        lower = multiply_bytes(numbers[r][i], low[i], lower);
      }
      const float sum = (128.0f * static_cast<float>(sum_of_lanes(higher)) + static_cast<float>(sum_of_lanes(lower))) * (query_scale * row_scales[r]);
      const int64_t row = group + (step + r) * groups.count;
      if (group >= groups.count || row >= num_rows) continue;
      largest = fmaxf(largest, with_offset(sum, scale, offsets, row));
      if (lane == 0) scores[group * groups.depth + step + r] = sum;
    }
  }
  if (lane == 0 && group < groups.count) maxima[group] = largest;
}

}  // namespace

void round_rows_to_bytes(const float* rows, int8_t* bytes, float* scales, float* rounding, int64_t count, int64_t dim, int exponent, cudaStream_t stream) {
  const int64_t rows_a_block = block_size / warp_size;
  const int64_t blocks = (count + rows_a_block - 1) / rows_a_block;
  if (cudaMemsetAsync(rounding, 0, sizeof(float), stream) != cudaSuccess) check_launch("(memset)");
  round_rows_to_bytes_kernel<<<static_cast<unsigned>(blocks < 4096 ? blocks : 4096), block_size, 0, stream>>>(rows, bytes, scales, rounding, count, dim,
                                                                                                              padded_bytes(dim), exponent);
  check_launch("round_rows_to_bytes");
}

void prepare_query(const float* query, __half* half_query, RoundedVectors* figures, int8_t* bytes, ByteFigures* byte_figures, QueryFaults* faults,
                   int32_t* missed, int64_t dim, double longest_row, double largest_product, cudaStream_t stream) {
  const OneQuery one{query, half_query, figures, bytes, byte_figures, faults, missed};
  prepare_query_kernel<<<1, block_size, 0, stream>>>(one, dim, longest_row, largest_product);
  check_launch("prepare_query");
}

void multiply_one_by_bytes(float* scores, float* maxima, const RowsOnCard& rows, const BytesOnCard& bytes, const int8_t* query_bytes, const ByteFigures* query,
                           const Groups& groups, cudaStream_t stream) {
  const int64_t padded_dim = padded_bytes(rows.dim);
  const int64_t groups_a_block = block_size / lanes;
  const auto blocks = static_cast<unsigned>((groups.count + groups_a_block - 1) / groups_a_block);
  const int64_t loads = (padded_dim + lanes * bytes_a_load - 1) / (lanes * bytes_a_load);
  auto* const kernel = loads <= 1   ? multiply_by_bytes_kernel<1>
                       : loads == 2 ? multiply_by_bytes_kernel<2>
                       : loads == 3 ? multiply_by_bytes_kernel<3>
                       : loads == 4 ? multiply_by_bytes_kernel<4>
                                    : multiply_by_bytes_kernel<6>;
  kernel<<<blocks, block_size, 0, stream>>>(scores, maxima, query_bytes, query, bytes.bytes, bytes.scales, rows.offsets, rows.count, padded_dim, groups,
                                            rows.exponent);
  check_launch("multiply_by_bytes");
}

}  // namespace lmtx::cuda
