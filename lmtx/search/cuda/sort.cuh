// Scored labels in shared memory, sorted by a block of threads.
#pragma once

#include "lmtx/search/cuda/launch.cuh"

namespace lmtx::cuda {

struct ScoredLabels {
  int64_t* labels;
  float* scores;
};

// The best first; equal scores by the smaller label. As ranks_before() of lmtx/search/detail/top_labels.h.
struct ByRank {
  __device__ bool operator()(const ScoredLabels& all, int a, int b) const {
    return all.scores[a] != all.scores[b] ? all.scores[a] > all.scores[b] : all.labels[a] < all.labels[b];
  }
};

struct ByLabel {
  __device__ bool operator()(const ScoredLabels& all, int a, int b) const {
    return all.labels[a] != all.labels[b] ? all.labels[a] < all.labels[b] : all.scores[a] > all.scores[b];
  }
};

// Bitonic; `size` is a power of two. Ends with a barrier.
template <int Threads, typename Before>
__device__ void sort_labels(const ScoredLabels& all, int size, const Before& before) {
  for (int run = 2; run <= size; run *= 2) {
    for (int stride = run / 2; stride > 0; stride /= 2) {
      for (int i = threadIdx.x; i < size / 2; i += Threads) {
        const int a = 2 * i - (i & (stride - 1)), b = a + stride;
        const bool rising = (a & run) == 0;
        if (rising ? !before(all, b, a) : !before(all, a, b)) continue;
        const int64_t label = all.labels[a];
        const float score = all.scores[a];
        all.labels[a] = all.labels[b];
        all.scores[a] = all.scores[b];
        all.labels[b] = label;
        all.scores[b] = score;
      }
      __syncthreads();
    }
  }
}

// Leaves each label its best score; the others become -infinity. The labels must be sorted by label.
template <int Threads>
__device__ void drop_repeated(const ScoredLabels& all, int count) {
  for (int i = threadIdx.x; i < count; i += Threads) {
    if (i > 0 && all.labels[i] == all.labels[i - 1]) all.scores[i] = -INFINITY;
  }
  __syncthreads();
}

}  // namespace lmtx::cuda
