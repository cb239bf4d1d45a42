// Residual, bias, dropout and layer norm in one pass, and their way back.
#include <type_traits>

#include "lmtx/nn/cuda/row.cuh"

namespace lmtx::cuda {
namespace {

// Blocks that a multiprocessor has registers for at once, of rows of up to 1,024 numbers.
constexpr int forward_blocks = 3, backward_blocks = 2;

template <typename T>
struct AddNorm {
  const T* residual;
  const T* branch;
  const float* bias;
  NormPointers norm;
  DropoutMask mask;
  T* sum;
  T* out;
  float2* moments;
  int64_t rows;
  int dim;
};

// A warp takes every row_step()-th row from its first on.
__device__ inline int64_t first_row() { return static_cast<int64_t>(blockIdx.x) * warps_a_block + threadIdx.x / warp_size; }
__device__ inline int64_t row_step() { return static_cast<int64_t>(gridDim.x) * warps_a_block; }

template <typename T, int V>
__global__ void __launch_bounds__(block_size, forward_blocks) add_norm_kernel(AddNorm<T> a) {
  const Row<V> branch_bias = load_row<V>(a.bias, a.dim), weight = load_row<V>(a.norm.weight, a.dim), bias = load_row<V>(a.norm.bias, a.dim);
  RawRow<V> next_residual{}, next_branch{};
  const auto fetch = [&](int64_t r) {
    next_residual = load_raw_row<V>(a.residual + r * a.dim, a.dim);
    next_branch = load_raw_row<V>(a.branch + r * a.dim, a.dim);
  };
  if (first_row() < a.rows) fetch(first_row());
  for (int64_t r = first_row(); r < a.rows; r += row_step()) {
    const int64_t offset = r * a.dim;
    Row<V> row = unpack_row<T>(next_residual), branch = unpack_row<T>(next_branch);
    // On their way while this row is computed.
    if (r + row_step() < a.rows) fetch(r + row_step());
    add_to(branch, branch_bias);
    for_each_pack<V>(a.dim, [&](int v, int first) { drop(branch.packs[v], offset + first, a.mask); });
    add_to(row, branch);
    if (a.sum != nullptr) store_row(a.sum + offset, row, a.dim);
    const Moments m = moments(row, a.dim, a.norm.eps);
    if (a.moments != nullptr && threadIdx.x % warp_size == 0) a.moments[r] = make_float2(m.mean, m.inverse_deviation);
    store_row(a.out + offset, normalized(row, m, weight, bias), a.dim);
  }
}

template <typename T>
struct AddNormBackward {
  const T* sum;
  const T* gradient;
  const T* direct;
  const float2* moments;
  const float* weight;
  DropoutMask mask;
  T* sum_gradient;
  T* branch_gradient;
  float* partial;
  int64_t rows;
  int dim;
};

// What a row of the way back reads.
template <int V>
struct BackwardInput {
  RawRow<V> sum, gradient, direct;
  float2 moments;
};

template <typename T, int V>
__device__ inline BackwardInput<V> load_input(const AddNormBackward<T>& a, int64_t r) {
  const int64_t offset = r * a.dim;
  return {load_raw_row<V>(a.sum + offset, a.dim), load_raw_row<V>(a.gradient + offset, a.dim),
          load_raw_row<V>(a.direct == nullptr ? a.direct : a.direct + offset, a.dim), a.moments[r]};
}

template <typename T, int V>
__global__ void __launch_bounds__(block_size, backward_blocks) add_norm_backward_kernel(AddNormBackward<T> a) {
  extern __shared__ float shared[];
  const Row<V> weight = load_row<V>(a.weight, a.dim);
  Row<V> weight_sum = zero_row<V>(), bias_sum = zero_row<V>(), branch_sum = zero_row<V>();
  BackwardInput<V> next{};
  if (first_row() < a.rows) next = load_input<T, V>(a, first_row());
  for (int64_t r = first_row(); r < a.rows; r += row_step()) {
    const BackwardInput<V> in = next;
    // On its way while this row is computed.
    if (r + row_step() < a.rows) next = load_input<T, V>(a, r + row_step());
    const int64_t offset = r * a.dim;
    Row<V> gradient = norm_backward(unpack_row<T>(in.sum), {in.moments.x, in.moments.y}, unpack_row<T>(in.gradient), weight, a.dim, weight_sum, bias_sum);
    if (a.direct != nullptr) add_to(gradient, unpack_row<T>(in.direct));
    store_row(a.sum_gradient + offset, gradient, a.dim);
    for_each_pack<V>(a.dim, [&](int v, int first) { drop(gradient.packs[v], offset + first, a.mask); });
    if (a.branch_gradient != a.sum_gradient) store_row(a.branch_gradient + offset, gradient, a.dim);
    add_to(branch_sum, gradient);
  }
  float* partial = a.partial + static_cast<int64_t>(blockIdx.x) * 3 * a.dim;
  store_block_sum(weight_sum, partial, shared, a.dim);
  store_block_sum(bias_sum, partial + a.dim, shared, a.dim);
  store_block_sum(branch_sum, partial + 2 * a.dim, shared, a.dim);
}

// A block is 32 columns wide and 8 rows high.
__global__ void sum_rows_kernel(const float* partial, float* out, int64_t rows, int64_t columns) {
  __shared__ float shared[8][warp_size];
  const int64_t column = static_cast<int64_t>(blockIdx.x) * warp_size + threadIdx.x;
  float sum = 0.0f;
  if (column < columns) {
    for (int64_t r = threadIdx.y; r < rows; r += 8) sum += partial[r * columns + column];
  }
  shared[threadIdx.y][threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.y != 0 || column >= columns) return;
  for (int y = 1; y < 8; ++y) sum += shared[y][threadIdx.x];
  out[column] = sum;
}

}  // namespace

int64_t partial_rows(int64_t rows) { return blocks_for(rows, backward_blocks); }

template <typename T>
void add_norm(const T* residual, const T* branch, const float* bias, NormPointers norm, DropoutMask mask, T* sum, T* out, float* moments, int64_t rows,
              int64_t dim, cudaStream_t stream) {
  if (rows == 0) return;
  const AddNorm<T> a{residual, branch, bias, norm, mask, sum, out, reinterpret_cast<float2*>(moments), rows, static_cast<int>(dim)};
  with_packs_a_lane(dim, [&](auto packs) { add_norm_kernel<T, packs.value><<<blocks_for(rows, forward_blocks), block_size, 0, stream>>>(a); });
  check_launch("add_norm");
}

template <typename T>
void add_norm_backward(const T* sum, const T* gradient, const T* direct, const float* moments, const float* weight, DropoutMask mask, T* sum_gradient,
                       T* branch_gradient, float* partial, int64_t rows, int64_t dim, cudaStream_t stream) {
  if (rows == 0) return;
  const AddNormBackward<T> a{
      sum, gradient, direct, reinterpret_cast<const float2*>(moments), weight, mask, sum_gradient, branch_gradient, partial, rows, static_cast<int>(dim)};
  const size_t shared = warps_a_block * dim * sizeof(float);
  with_packs_a_lane(dim, [&](auto packs) { add_norm_backward_kernel<T, packs.value><<<blocks_for(rows, backward_blocks), block_size, shared, stream>>>(a); });
  check_launch("add_norm_backward");
}

void sum_rows(const float* partial, float* out, int64_t rows, int64_t columns, cudaStream_t stream) {
  if (columns == 0) return;
  const auto blocks = static_cast<unsigned>((columns + warp_size - 1) / warp_size);
  sum_rows_kernel<<<blocks, dim3(warp_size, 8), 0, stream>>>(partial, out, rows, columns);
  check_launch("sum_rows");
}

#define LMTX_INSTANTIATE(T)                                                                                                            \
  template void add_norm(const T*, const T*, const float*, NormPointers, DropoutMask, T*, T*, float*, int64_t, int64_t, cudaStream_t); \
  template void add_norm_backward(const T*, const T*, const T*, const float*, const float*, DropoutMask, T*, T*, float*, int64_t, int64_t, cudaStream_t);
LMTX_INSTANTIATE(__half)
LMTX_INSTANTIATE(__nv_bfloat16)
#undef LMTX_INSTANTIATE

}  // namespace lmtx::cuda
