// The rank-th largest of many numbers, by a block of threads.
#pragma once

#include "lmtx/search/cuda/launch.cuh"

namespace lmtx::cuda {

constexpr int histogram_bins = 2048;

// Ordered as the numbers are.
__device__ inline unsigned key_of(float number) {
  const auto bits = static_cast<unsigned>(__float_as_int(number));
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}
__device__ inline float number_of(unsigned key) { return __int_as_float(static_cast<int>(key & 0x80000000u ? key & 0x7fffffffu : ~key)); }

// Calls visit(number) for each; `count` is a multiple of 4, `numbers` lies at a multiple of 16 bytes.
template <int Threads, typename Visit>
__device__ void visit_all(const float* numbers, int64_t count, const Visit& visit) {
#pragma unroll 4
  for (int64_t i = static_cast<int64_t>(threadIdx.x) * 4; i < count; i += Threads * 4) {
    const float4 four = *reinterpret_cast<const float4*>(numbers + i);
    visit(four.x);
    visit(four.y);
    visit(four.z);
    visit(four.w);
  }
}

struct KeyRange {
  unsigned low, high;
  int count;
};

// Of all numbers but -infinity.
template <int Threads>
__device__ KeyRange range_of(const float* numbers, int64_t count) {
  __shared__ KeyRange shared;
  if (threadIdx.x == 0) shared = {~0u, 0u, 0};
  __syncthreads();
  KeyRange mine{~0u, 0u, 0};
  visit_all<Threads>(numbers, count, [&](float number) {
    if (!(number > -INFINITY)) return;
    const unsigned key = key_of(number);
    mine.low = min(mine.low, key);
    mine.high = max(mine.high, key);
    ++mine.count;
  });
  for (int offset = warp_size / 2; offset > 0; offset /= 2) {
    mine.low = min(mine.low, __shfl_xor_sync(all_lanes, mine.low, offset));
    mine.high = max(mine.high, __shfl_xor_sync(all_lanes, mine.high, offset));
    mine.count += __shfl_xor_sync(all_lanes, mine.count, offset);
  }
  if (threadIdx.x % warp_size == 0) {
    atomicMin(&shared.low, mine.low);
    atomicMax(&shared.high, mine.high);
    atomicAdd(&shared.count, mine.count);
  }
  __syncthreads();
  return shared;
}

// The sum over all threads up to this one.
template <int Threads>
__device__ int sum_up_to_here(int number) {
  __shared__ int sums[warp_size];
  const int lane = threadIdx.x % warp_size, warp = threadIdx.x / warp_size;
  for (int offset = 1; offset < warp_size; offset *= 2) {
    const int before = __shfl_up_sync(all_lanes, number, offset);
    if (lane >= offset) number += before;
  }
  if (lane == warp_size - 1) sums[warp] = number;
  __syncthreads();
  for (int w = 0; w < warp; ++w) number += sums[w];
  return number;
}

struct Bin {
  int number;
  // How many keys are in bins above, and in this one.
  int above, inside;
};

// The bin with the rank-th largest key.
template <int Threads>
__device__ Bin bin_of_rank(const int* histogram, int rank) {
  __shared__ Bin found;
  constexpr int bins = histogram_bins / Threads;
  const int top = histogram_bins - 1 - static_cast<int>(threadIdx.x) * bins;
  int mine = 0;
  for (int j = 0; j < bins; ++j) mine += histogram[top - j];
  int above = sum_up_to_here<Threads>(mine) - mine;
  if (above < rank && rank <= above + mine) {
    int bin = top;
    while (above + histogram[bin] < rank) above += histogram[bin--];
    found = {bin, above, histogram[bin]};
  }
  __syncthreads();
  return found;
}

// A number that at least `rank` of `numbers` reach, and not many more than `rank`; -infinity where fewer than `rank` are larger than that. The same in every
// thread. `histogram`: shared, [histogram_bins].
template <int Threads>
__device__ float rank_th_largest(const float* numbers, int64_t count, int rank, int* histogram) {
  KeyRange range = range_of<Threads>(numbers, count);
  if (range.count < rank) return -INFINITY;
  const int few = rank / 8 + 8;
  int wanted = rank;
  while (true) {
    const int bits = 32 - __clz(static_cast<int>(range.high - range.low));
    const int shift = bits > 11 ? bits - 11 : 0;
    for (int bin = threadIdx.x; bin < histogram_bins; bin += Threads) histogram[bin] = 0;
    __syncthreads();
    visit_all<Threads>(numbers, count, [&](float number) {
      const unsigned key = key_of(number);
      if (number > -INFINITY && key >= range.low && key <= range.high) atomicAdd(&histogram[(key - range.low) >> shift], 1);
    });
    __syncthreads();
    const Bin bin = bin_of_rank<Threads>(histogram, wanted);
    wanted -= bin.above;
    range.low += static_cast<unsigned>(bin.number) << shift;
    const unsigned last = (1u << shift) - 1;
    if (range.high - range.low > last) range.high = range.low + last;
    // All threads have read the bin before the next round writes there: two barriers come first.
    if (shift == 0 || bin.inside - wanted <= few) return number_of(range.low);
  }
}

}  // namespace lmtx::cuda
