#include <algorithm>
#include <stdexcept>
#include <string>

#include "lmtx/train/cuda/triplet_rows.h"

namespace lmtx::cuda {

namespace {

constexpr int max_threads = 512, warp_size = 32;
// A digit of the radix search, and its values.
constexpr int digit_bits = 8, digits = 1 << digit_bits;

struct Sum {
  template <typename T>
  __device__ static T join(T a, T b) {
    return a + b;
  }
};
struct Max {
  template <typename T>
  __device__ static T join(T a, T b) {
    return a < b ? b : a;
  }
};

// Over all threads of the block, in a fixed order, the same value for each. `shared`: a number for each warp.
template <typename Join, typename T>
__device__ T reduce(T value, T neutral, T* shared) {
  for (int step = warp_size / 2; step > 0; step /= 2) value = Join::join(value, __shfl_xor_sync(0xffffffffu, value, step));
  const int warp = threadIdx.x / warp_size, lane = threadIdx.x % warp_size;
  __syncthreads();  // whoever read the last result is done
  if (lane == 0) shared[warp] = value;
  __syncthreads();
  T all = neutral;
  for (unsigned i = 0; i < blockDim.x / warp_size; ++i) all = Join::join(all, shared[i]);
  return all;
}

// Rises with the number (no NaN).
__device__ uint32_t order_of(float x) {
  const uint32_t bits = __float_as_uint(x);
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

// Rises with the score and, where scores are equal, falls with the column: no two columns of a row have the same.
__device__ uint64_t key_of(float score, int64_t column) { return static_cast<uint64_t>(order_of(score)) << 32 | (0xffffffffu - static_cast<uint32_t>(column)); }

struct Row {
  float* scores;
  int64_t size;
  float own;
  float margin;
  float temperature;

  // Above 0: a column that is no yes violates the margin, by so much.
  __device__ float violation(int64_t column) const { return scores[column] - own + margin; }
};

// The largest key such that `wanted` of the violators' keys are at least as large; there are more than `wanted` of them.
__device__ uint64_t find_threshold(const Row& row, int64_t wanted, uint32_t* counts, int64_t* state) {
  uint64_t prefix = 0;
  int64_t left = wanted;
  for (int shift = 64 - digit_bits; shift >= 0; shift -= digit_bits) {
    for (int i = threadIdx.x; i < digits; i += blockDim.x) counts[i] = 0;
    __syncthreads();
    for (int64_t column = threadIdx.x; column < row.size; column += blockDim.x) {
      if (!(row.violation(column) > 0)) continue;
      const uint64_t key = key_of(row.scores[column], column);
      const bool alike = shift == 64 - digit_bits || key >> (shift + digit_bits) == prefix >> (shift + digit_bits);
      if (alike) atomicAdd(&counts[key >> shift & (digits - 1)], 1u);
    }
    __syncthreads();
    if (threadIdx.x == 0) {
      int digit = digits - 1;
      int64_t above = 0;
      while (digit > 0 && above + counts[digit] < left) above += counts[digit--];
      state[0] = digit;
      state[1] = left - above;
    }
    __syncthreads();
    prefix |= static_cast<uint64_t>(state[0]) << shift;
    left = state[1];
    __syncthreads();
  }
  return prefix;
}

// A block for each row.
__global__ void triplet_rows_kernel(TripletRows all) {
  __shared__ uint32_t counts[digits];
  __shared__ int64_t state[2], long_shared[max_threads / warp_size];
  __shared__ float float_shared[max_threads / warp_size];
  const int64_t i = blockIdx.x, number = all.first_row + i;
  Row row{all.similarity + i * all.batch, all.batch, 0, all.margin, all.temperature};
  row.own = row.scores[number];
  __syncthreads();
  constexpr float infinity = __builtin_huge_valf();
  // What is a yes violates nothing.
  for (int32_t g = all.row_offsets[number]; g < all.row_offsets[number + 1]; ++g) {
    const int32_t group = all.row_groups[g];
    for (int32_t j = all.group_offsets[group] + static_cast<int32_t>(threadIdx.x); j < all.group_offsets[group + 1]; j += static_cast<int32_t>(blockDim.x))
      row.scores[all.group_columns[j]] = -infinity;
  }
  if (threadIdx.x == 0) row.scores[number] = -infinity;
  __syncthreads();

  int64_t violators = 0, broken = row.own != row.own;
  float best = -infinity;
  for (int64_t column = threadIdx.x; column < row.size; column += blockDim.x) {
    const float score = row.scores[column];
    broken |= score != score;
    if (!(row.violation(column) > 0)) continue;
    ++violators;
    best = fmaxf(best, score);
  }
  violators = reduce<Sum>(violators, int64_t{0}, long_shared);
  broken = reduce<Max>(broken, int64_t{0}, long_shared);
  best = reduce<Max>(best, -infinity, float_shared);
  const uint64_t threshold = violators > all.hard_negatives ? find_threshold(row, all.hard_negatives, counts, state) : 0;

  const auto is_taken = [&](int64_t column) { return row.violation(column) > 0 && key_of(row.scores[column], column) >= threshold; };
  // exp(0) for the best, whatever the temperature.
  const auto share = [&](int64_t column) {
    const float below = row.scores[column] - best;
    return below == 0 ? 1.0f : expf(below / row.temperature);
  };
  float shares = 0, loss = 0;
  for (int64_t column = threadIdx.x; column < row.size; column += blockDim.x) {
    if (!is_taken(column)) continue;
    shares += share(column);
    loss += share(column) * row.violation(column);
  }
  shares = fmaxf(reduce<Sum>(shares, 0.0f, float_shared), 1.0f);
  loss = reduce<Sum>(loss, 0.0f, float_shared);
  const float scale = broken ? __builtin_nanf("") : 1.0f / static_cast<float>(all.batch);
  for (int64_t column = threadIdx.x; column < row.size; column += blockDim.x)
    row.scores[column] = is_taken(column) ? scale * (share(column) / shares) : scale * 0.0f;
  __syncthreads();
  if (threadIdx.x != 0) return;
  row.scores[number] = violators > 0 ? -scale : scale * 0.0f;
  all.losses[i] = scale * (loss / shares);
}

}  // namespace

void triplet_rows(const TripletRows& rows, cudaStream_t stream) {
  if (rows.num_rows == 0) return;
  // No more threads than columns.
  const int64_t threads = std::clamp<int64_t>((rows.batch + warp_size - 1) / warp_size * warp_size, 2 * warp_size, max_threads);
  triplet_rows_kernel<<<static_cast<unsigned>(rows.num_rows), static_cast<unsigned>(threads), 0, stream>>>(rows);
  if (const cudaError_t error = cudaGetLastError(); error != cudaSuccess)
    throw std::runtime_error(std::string("The kernel triplet_rows cannot run on this card: ") + cudaGetErrorString(error) + ".");
}

}  // namespace lmtx::cuda
