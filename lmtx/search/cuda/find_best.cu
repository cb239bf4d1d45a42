// From approximate scores to the best labels: a block of threads a query.
#include <climits>
#include <type_traits>

#include "lmtx/search/cuda/launch.cuh"
#include "lmtx/search/cuda/rank.cuh"
#include "lmtx/search/cuda/sort.cuh"

namespace lmtx::cuda {
namespace {

struct Job {
  QueriesOnCard queries;
  RowsOnCard rows;
  Groups groups;
  BestOnCard best;
  bool more;
  // Rows with scores at least as good as the best labels'.
  int rank;
  bool labels_repeat;
  // Candidates that there is room for, a power of two.
  int room;
};

// Room for `Job::room` candidates: 12 bytes each. A candidate's row number waits where its score will be; the histogram is done with before there are labels.
struct Shared {
  int64_t* labels;
  float* scores;

  __device__ int* rows() const { return reinterpret_cast<int*>(scores); }
  __device__ int* histogram() const { return reinterpret_cast<int*>(labels); }
};

// Scores as the matrix product or multiply_one() left them.
template <typename Score>
struct ScoresOf {
  const Score* scores;
  int64_t padded_rows;
  Groups groups;
  float scale;
  const float* offsets;

  __device__ float at(int64_t q, int64_t group, int64_t step, int64_t row) const {
    if constexpr (std::is_same_v<Score, float>) {
      return with_offset(scores[group * groups.depth + step], scale, offsets, row);
    } else {
      return with_offset(__half2float(scores[q * padded_rows + row]), scale, offsets, row);
    }
  }
};

// A row whose approximate score is below cannot be among the best. `carried`: labels that were found before.
template <int Threads, typename Score>
__device__ float bar_for(const Job& job, int64_t q, const float* maxima, int carried, int* histogram) {
  __shared__ float shared_bar;
  const float reached = rank_th_largest<Threads>(maxima, job.groups.count, job.rank, histogram);
  if (threadIdx.x == 0) {
    const RoundedVectors rows{job.rows.length, *job.rows.rounding, job.rows.exponent};
    const ScoreKind kind{std::is_same_v<Score, __half>, job.rows.offsets == nullptr ? -1.0 : job.rows.largest_offset};
    const ErrorBound error = error_bound(job.queries.figures[q], rows, job.rows.dim, kind);
    double bar = lowest_float;
    if (reached > -INFINITY) bar = fmax(bar, bar_from_approximate(reached, error));
    if (carried == job.best.kept) bar = fmax(bar, bar_from_exact(job.best.scores[q * job.best.k + job.best.kept - 1], error));
    shared_bar = __double2float_rd(bar);
  }
  __syncthreads();
  return shared_bar;
}

// Writes the rows that reach the bar, in any order, up to `room`; returns their number, which may be larger.
template <int Threads, typename Score>
__device__ int collect(const ScoresOf<Score>& scores, int64_t q, const float* maxima, int64_t num_rows, float bar, int room, int* rows) {
  __shared__ int count;
  if (threadIdx.x == 0) count = 0;
  __syncthreads();
  const Groups& groups = scores.groups;
  const auto look_at = [&](int64_t group, int64_t step) {
    const int64_t row = group + step * groups.count;
    if (row >= num_rows || !(scores.at(q, group, step, row) >= bar)) return;
    const int place = atomicAdd(&count, 1);
    if (place < room) rows[place] = static_cast<int>(row);
  };
  const int lane = threadIdx.x % warp_size;
  for (int64_t first = threadIdx.x - lane; first < groups.count; first += Threads) {
    const bool near = first + lane < groups.count && maxima[first + lane] >= bar;
    if (groups.depth < 8) {
      for (int64_t step = 0; near && step < groups.depth; ++step) look_at(first + lane, step);
      continue;
    }
    for (unsigned nears = __ballot_sync(all_lanes, near); nears != 0; nears &= nears - 1) {
      const int64_t group = first + __ffs(static_cast<int>(nears)) - 1;
      for (int64_t step = lane; step < groups.depth; step += warp_size) look_at(group, step);
    }
    // Too many: this query is lost, and others wait.
    if (__shfl_sync(all_lanes, *const_cast<volatile int*>(&count), 0) > room) break;
  }
  __syncthreads();
  return count;
}

// The product of a query and a row in the order of exact_dot(), by `Lanes` neighboring threads, of which the first gets it. Every lane of the warp must take
// part.
template <int Lanes>
__device__ double exact_product(const float* query, const float* row, int64_t dim);

template <>
__device__ double exact_product<16>(const float* query, const float* row, int64_t dim) {
  double sum = 0;
#pragma unroll 4
  for (int64_t j = threadIdx.x % 16; j < dim; j += 16) sum += static_cast<double>(query[j]) * static_cast<double>(row[j]);
  return sum_of_16(sum);
}

// Each thread has four of the 16 lanes.
template <>
__device__ double exact_product<4>(const float* query, const float* row, int64_t dim) {
  double sums[4] = {};
#pragma unroll 4
  for (int64_t j = static_cast<int64_t>(threadIdx.x % 4) * 4; j < dim; j += 16) {
    const float4 a = *reinterpret_cast<const float4*>(query + j), b = *reinterpret_cast<const float4*>(row + j);
    sums[0] += static_cast<double>(a.x) * static_cast<double>(b.x);
    sums[1] += static_cast<double>(a.y) * static_cast<double>(b.y);
    sums[2] += static_cast<double>(a.z) * static_cast<double>(b.z);
    sums[3] += static_cast<double>(a.w) * static_cast<double>(b.w);
  }
  // Lanes 8 to 15 onto 0 to 7, 4 to 7 onto 0 to 3, and so on.
  for (int half = 2; half > 0; half /= 2) {
    for (double& sum : sums) sum += __shfl_down_sync(all_lanes, sum, half, 4);
  }
  return (sums[0] + sums[2]) + (sums[1] + sums[3]);
}

// From row numbers to labels and exact scores.
template <int Threads, int Lanes>
__device__ void score_exactly(const Job& job, int64_t q, int count, const Shared& shared) {
  const float* query = job.queries.queries + q * job.rows.dim;
  const int mine = static_cast<int>(threadIdx.x) / Lanes;
  for (int first = 0; first < count; first += Threads / Lanes) {
    const bool any = first + mine < count;
    const int64_t row = any ? shared.rows()[first + mine] : 0;
    const double product = exact_product<Lanes>(query, job.rows.rows + row * job.rows.dim, job.rows.dim);
    if (!any || threadIdx.x % Lanes != 0) continue;
    const double offset = job.rows.offsets == nullptr ? 0.0 : static_cast<double>(job.rows.offsets[row]);
    shared.scores[first + mine] = static_cast<float>(product + offset);
    shared.labels[first + mine] = job.rows.owners[row];
  }
}

// How many labels were found before: the entries up to the first -1.
__device__ int carried_labels(const Job& job, int64_t q) {
  if (!job.more) return 0;
  const int64_t* labels = job.best.labels + q * job.best.k;
  int low = 0, high = static_cast<int>(job.best.kept);
  while (low < high) {
    const int middle = (low + high) / 2;
    if (labels[middle] >= 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

__device__ int power_of_two_from(int count) {
  int size = 2;
  while (size < count) size *= 2;
  return size;
}

// Sorts `count` candidates, each label once.
template <int Threads>
__device__ void rank(const ScoredLabels& all, int count, bool labels_repeat) {
  const int size = power_of_two_from(count);
  for (int i = count + threadIdx.x; i < size; i += Threads) {
    all.labels[i] = LLONG_MAX;
    all.scores[i] = -INFINITY;
  }
  __syncthreads();
  if (labels_repeat) {
    sort_labels<Threads>(all, size, ByLabel());
    drop_repeated<Threads>(all, count);
  }
  sort_labels<Threads>(all, size, ByRank());
}

template <int Threads>
__device__ void write_best(const Job& job, int64_t q, const ScoredLabels& all, int count) {
  for (int64_t i = threadIdx.x; i < job.best.k; i += Threads) {
    const bool found = i < job.best.kept && i < count && all.scores[i] > -INFINITY;
    job.best.labels[q * job.best.k + i] = found ? all.labels[i] : -1;
    job.best.scores[q * job.best.k + i] = found ? all.scores[i] : -INFINITY;
  }
}

template <int Threads, int Lanes, typename Score>
__global__ void __launch_bounds__(Threads) find_best_kernel(const Score* scores, const float* all_maxima, Job job) {
  extern __shared__ int64_t memory[];
  const Shared shared{memory, reinterpret_cast<float*>(memory + job.room)};
  const int64_t q = blockIdx.x;
  const float* maxima = all_maxima + q * job.groups.count;
  const int carried = carried_labels(job, q);
  const float bar = bar_for<Threads, Score>(job, q, maxima, carried, shared.histogram());
  const float scale = power_of_two(-(job.queries.figures[q].exponent + job.rows.exponent));
  const ScoresOf<Score> approximate{scores, padded(job.rows.count), job.groups, scale, job.rows.offsets};
  const int room = job.room - carried;
  int count = collect<Threads>(approximate, q, maxima, job.rows.count, bar, room, shared.rows());
  if (count > room) {
    if (threadIdx.x == 0) job.best.missed[q] = 1;
    count = room;
  }
  score_exactly<Threads, Lanes>(job, q, count, shared);
  for (int i = threadIdx.x; i < carried; i += Threads) {
    shared.labels[count + i] = job.best.labels[q * job.best.k + i];
    shared.scores[count + i] = job.best.scores[q * job.best.k + i];
  }
  __syncthreads();
  const ScoredLabels all{shared.labels, shared.scores};
  rank<Threads>(all, count + carried, job.labels_repeat);
  write_best<Threads>(job, q, all, count + carried);
}

int power_of_two_at_least(int64_t count) {
  int size = 1;
  while (size < count) size *= 2;
  return size;
}

template <typename Kernel, typename Score>
void launch(const Kernel& kernel, int threads, const Score* scores, const float* maxima, const Job& job, cudaStream_t stream) {
  const int bytes = job.room * static_cast<int>(sizeof(int64_t) + sizeof(float));
  if (cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes) != cudaSuccess) check_launch("find_best (shared memory)");
  kernel<<<static_cast<unsigned>(job.queries.count), threads, bytes, stream>>>(scores, maxima, job);
  check_launch("find_best");
}

bool loads_of_16_bytes(const Job& job) {
  const auto aligned = [](const void* pointer) { return reinterpret_cast<uintptr_t>(pointer) % 16 == 0; };
  return job.rows.dim % 4 == 0 && aligned(job.queries.queries) && aligned(job.rows.rows);
}

}  // namespace

template <typename Score>
void find_best(const Score* scores, const float* maxima, const QueriesOnCard& queries, const RowsOnCard& rows, const Groups& groups, const BestOnCard& best,
               bool more, int64_t rows_a_label, cudaStream_t stream) {
  const int64_t rank = (best.kept - 1) * rows_a_label + 1;
  const int64_t room = rank > most_candidates / 8 ? most_candidates : rank < 256 ? 2048 : power_of_two_at_least(8 * rank);
  const Job job{queries, rows, groups, best, more, static_cast<int>(rank), more || rows_a_label > 1, static_cast<int>(room)};
  // Few queries leave the card idle: more threads each.
  const bool few = queries.count <= 32;
  if (loads_of_16_bytes(job)) {
    if (few) {
      launch(find_best_kernel<1024, 4, Score>, 1024, scores, maxima, job, stream);
    } else {
      launch(find_best_kernel<256, 4, Score>, 256, scores, maxima, job, stream);
    }
  } else if (few) {
    launch(find_best_kernel<1024, 16, Score>, 1024, scores, maxima, job, stream);
  } else {
    launch(find_best_kernel<256, 16, Score>, 256, scores, maxima, job, stream);
  }
}

template void find_best<__half>(const __half*, const float*, const QueriesOnCard&, const RowsOnCard&, const Groups&, const BestOnCard&, bool, int64_t,
                                cudaStream_t);
template void find_best<float>(const float*, const float*, const QueriesOnCard&, const RowsOnCard&, const Groups&, const BestOnCard&, bool, int64_t,
                               cudaStream_t);

}  // namespace lmtx::cuda
