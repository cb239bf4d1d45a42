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

// A query's candidates. A row's number waits where its score will be.
struct Places {
  int64_t* labels;
  float* scores;

  __device__ int* rows() const { return reinterpret_cast<int*>(scores); }
};

// Shared memory for `room` candidates, 12 bytes each.
__device__ Places shared_places(int64_t* memory, int room) { return {memory, reinterpret_cast<float*>(memory + room)}; }

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

// Writes the rows of groups [begin, end) that reach the bar, in any order, up to `room`; returns their number, which may be larger. `begin`: a multiple of 32.
template <int Threads, typename Score>
__device__ int collect(const ScoresOf<Score>& scores, int64_t q, const float* maxima, int64_t begin, int64_t end, int64_t num_rows, float bar, int room,
                       int* rows) {
  __shared__ int count;
  if (threadIdx.x == 0) count = 0;
  __syncthreads();
  const Groups& groups = scores.groups;
  const auto score_of = [&](int64_t group, int64_t step) {
    const int64_t row = group + step * groups.count;
    return step < groups.depth && row < num_rows ? scores.at(q, group, step, row) : -INFINITY;
  };
  const auto take = [&](int64_t group, int64_t step, float score) {
    if (!(score >= bar)) return;
    const int place = atomicAdd(&count, 1);
    if (place < room) rows[place] = static_cast<int>(group + step * groups.count);
  };
  const int lane = threadIdx.x % warp_size;
  for (int64_t first = begin + threadIdx.x - lane; first < end; first += Threads) {
    const bool near = first + lane < end && maxima[first + lane] >= bar;
    if (groups.depth < 8) {
      for (int64_t step = 0; near && step < groups.depth; ++step) take(first + lane, step, score_of(first + lane, step));
      continue;
    }
    for (unsigned nears = __ballot_sync(all_lanes, near); nears != 0; nears &= nears - 1) {
      const int64_t group = first + __ffs(static_cast<int>(nears)) - 1;
      for (int64_t step = lane; step < groups.depth; step += 2 * warp_size) {
        // Both on their way before either is looked at.
        const float one = score_of(group, step), other = score_of(group, step + warp_size);
        take(group, step, one);
        take(group, step + warp_size, other);
      }
    }
    // Too many: this query is lost, and others wait.
    if (__shfl_sync(all_lanes, *const_cast<volatile int*>(&count), 0) > room) break;
  }
  __syncthreads();
  return count;
}

// The product of a query and a row in the order of exact_dot(), by 16 neighboring threads.
// `Unrolled`: loads on their way at the same time.
template <int Unrolled>
__device__ double exact_product_of_16(const float* query, const float* row, int64_t dim) {
  double sum = 0;
#pragma unroll Unrolled
  for (int64_t j = threadIdx.x % 16; j < dim; j += 16) sum += static_cast<double>(query[j]) * static_cast<double>(row[j]);
  return sum_of_16(sum);
}

// Each thread has four of the 16 lanes.
template <int Unrolled>
__device__ double exact_product_of_4(const float* query, const float* row, int64_t dim) {
  double sums[4] = {};
#pragma unroll Unrolled
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

// The same by `Lanes` neighboring threads, of which the first gets it. Every lane of the warp must take
// part.
template <int Lanes, int Unrolled>
__device__ double exact_product(const float* query, const float* row, int64_t dim) {
  if constexpr (Lanes == 16) {
    return exact_product_of_16<Unrolled>(query, row, dim);
  } else {
    return exact_product_of_4<Unrolled>(query, row, dim);
  }
}

// From the row numbers of candidates [first, last) to labels and exact scores. `rows` may be where the scores go.
template <int Threads, int Lanes, int Unrolled>
__device__ void score_exactly(const Job& job, int64_t q, int first, int last, const int* rows, const Places& to) {
  const float* query = job.queries.queries + q * job.rows.dim;
  const int mine = static_cast<int>(threadIdx.x) / Lanes;
  for (; first < last; first += Threads / Lanes) {
    const bool any = first + mine < last;
    const int64_t row = any ? rows[first + mine] : 0;
    const double product = exact_product<Lanes, Unrolled>(query, job.rows.rows + row * job.rows.dim, job.rows.dim);
    if (!any || threadIdx.x % Lanes != 0) continue;
    const double offset = job.rows.offsets == nullptr ? 0.0 : static_cast<double>(job.rows.offsets[row]);
    to.scores[first + mine] = static_cast<float>(product + offset);
    to.labels[first + mine] = job.rows.owners[row];
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

// The approximate scores of a query.
template <typename Score>
__device__ ScoresOf<Score> scores_of(const Score* scores, const Job& job, int64_t q) {
  const float scale = power_of_two(-(job.queries.figures[q].exponent + job.rows.exponent));
  return {scores, padded(job.rows.count), job.groups, scale, job.rows.offsets};
}

// `count`, where there is room for it; else notes that candidates were left out, and returns how many there is room for.
__device__ int fit(const Job& job, int64_t q, int count, int room) {
  if (count <= room) return count;
  job.best.missed[q] = 1;
  return room > 0 ? room : 0;
}

// Ranks `count` candidates and the labels that were found before.
template <int Threads>
__device__ void rank_and_write(const Job& job, int64_t q, int count, int carried, const Places& candidates) {
  for (int i = threadIdx.x; i < carried; i += Threads) {
    candidates.labels[count + i] = job.best.labels[q * job.best.k + i];
    candidates.scores[count + i] = job.best.scores[q * job.best.k + i];
  }
  __syncthreads();
  const ScoredLabels all{candidates.labels, candidates.scores};
  rank<Threads>(all, count + carried, job.labels_repeat);
  write_best<Threads>(job, q, all, count + carried);
}

// All of it.
template <int Threads, int Lanes, typename Score>
__global__ void __launch_bounds__(Threads) find_best_kernel(const Score* scores, const float* all_maxima, Job job) {
  extern __shared__ int64_t memory[];
  // The histogram lies where labels will.
  const Places places = shared_places(memory, job.room);
  const int64_t q = blockIdx.x;
  const float* maxima = all_maxima + q * job.groups.count;
  const int carried = carried_labels(job, q), room = job.room - carried;
  const float bar = bar_for<Threads, Score>(job, q, maxima, carried, reinterpret_cast<int*>(memory));
  const int found = collect<Threads>(scores_of(scores, job, q), q, maxima, 0, job.groups.count, job.rows.count, bar, room, places.rows());
  const int count = fit(job, q, found, room);
  score_exactly<Threads, Lanes, 4>(job, q, 0, count, places.rows(), places);
  rank_and_write<Threads>(job, q, count, carried, places);
}

// The same in three steps, of which the second has many blocks a query.
template <int Threads, typename Score>
__global__ void __launch_bounds__(Threads) find_bar_kernel(const float* maxima, Job job, Candidates candidates) {
  extern __shared__ int64_t memory[];
  const int64_t q = blockIdx.x;
  const float bar = bar_for<Threads, Score>(job, q, maxima + q * job.groups.count, carried_labels(job, q), reinterpret_cast<int*>(memory));
  if (threadIdx.x != 0) return;
  candidates.bars[q] = bar;
  candidates.counts[q] = 0;
}

// Groups that a block goes through, and its threads.
constexpr int groups_a_block = 64;
// Candidates that a block has room for.
constexpr int candidates_a_block = 1024;

template <int Lanes, typename Score>
__global__ void __launch_bounds__(groups_a_block) score_candidates_kernel(const Score* scores, const float* all_maxima, Job job, Candidates candidates) {
  __shared__ int rows[candidates_a_block];
  __shared__ int place;
  const int64_t q = blockIdx.y, begin = static_cast<int64_t>(blockIdx.x) * groups_a_block;
  const int64_t end = begin + groups_a_block < job.groups.count ? begin + groups_a_block : job.groups.count;
  const float* maxima = all_maxima + q * job.groups.count;
  const int found = collect<groups_a_block>(scores_of(scores, job, q), q, maxima, begin, end, job.rows.count, candidates.bars[q], candidates_a_block, rows);
  if (threadIdx.x == 0) place = atomicAdd(candidates.counts + q, found);
  __syncthreads();
  const int room = job.room - carried_labels(job, q) - place;
  const int count = fit(job, q, found, room < candidates_a_block ? room : candidates_a_block);
  const int64_t to = q * most_candidates + place;
  score_exactly<groups_a_block, Lanes, 12>(job, q, 0, count, rows, Places{candidates.labels + to, candidates.scores + to});
}

// A query's candidates, one behind the other: new ones, and labels that were found before.
struct Found {
  const int64_t* new_labels;
  const float* new_scores;
  const int64_t* old_labels;
  const float* old_scores;
  int num_new, num_old;

  __device__ int count() const { return num_new + num_old; }
  __device__ int64_t label(int i) const { return i < num_new ? new_labels[i] : old_labels[i - num_new]; }
  __device__ float score(int i) const { return i < num_new ? new_scores[i] : old_scores[i - num_new]; }
};

// Writes those that can be among the best, so that few are sorted; returns their number.
template <int Threads>
__device__ int keep_best(const Job& job, const Found& all, const Places& to) {
  __shared__ int kept;
  const int padded_count = (all.count() + 3) / 4 * 4;
  for (int i = threadIdx.x; i < padded_count; i += Threads) to.scores[i] = i < all.count() ? all.score(i) : -INFINITY;
  if (threadIdx.x == 0) kept = 0;
  __syncthreads();
  // Every label of the best has at most so many entries that are as good.
  const int wanted = job.rank + (job.more ? static_cast<int>(job.best.kept) - 1 : 0);
  const float bar = rank_th_largest<Threads>(to.scores, padded_count, wanted, reinterpret_cast<int*>(to.labels));
  __syncthreads();
  for (int i = threadIdx.x; i < all.count(); i += Threads) {
    if (!(all.score(i) >= bar)) continue;
    const int place = atomicAdd(&kept, 1);
    to.labels[place] = all.label(i);
    to.scores[place] = all.score(i);
  }
  __syncthreads();
  return kept;
}

template <int Threads>
__global__ void __launch_bounds__(Threads) rank_candidates_kernel(Job job, Candidates candidates) {
  extern __shared__ int64_t memory[];
  const Places places = shared_places(memory, job.room);
  const int64_t q = blockIdx.x;
  const int carried = carried_labels(job, q), found = candidates.counts[q];
  const int count = found < job.room - carried ? found : job.room - carried;
  const Found all{candidates.labels + q * most_candidates,
                  candidates.scores + q * most_candidates,
                  job.best.labels + q * job.best.k,
                  job.best.scores + q * job.best.k,
                  count,
                  carried};
  const int kept = keep_best<Threads>(job, all, places);
  rank<Threads>(ScoredLabels{places.labels, places.scores}, kept, job.labels_repeat);
  write_best<Threads>(job, q, ScoredLabels{places.labels, places.scores}, kept);
}

int power_of_two_at_least(int64_t count) {
  int size = 1;
  while (size < count) size *= 2;
  return size;
}

template <typename Kernel>
void allow_shared_memory(const Kernel& kernel, int bytes) {
  if (cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes) != cudaSuccess) check_launch("find_best (shared memory)");
}

bool loads_of_16_bytes(const Job& job) {
  const auto aligned = [](const void* pointer) { return reinterpret_cast<uintptr_t>(pointer) % 16 == 0; };
  return job.rows.dim % 4 == 0 && aligned(job.queries.queries) && aligned(job.rows.rows);
}

template <typename Score>
void find_for_many(const Score* scores, const float* maxima, const Job& job, cudaStream_t stream) {
  constexpr int threads = 256;
  const auto blocks = static_cast<unsigned>(job.queries.count);
  const int bytes = job.room * static_cast<int>(sizeof(int64_t) + sizeof(float));
  auto* const kernel = loads_of_16_bytes(job) ? find_best_kernel<threads, 4, Score> : find_best_kernel<threads, 16, Score>;
  allow_shared_memory(kernel, bytes);
  kernel<<<blocks, threads, bytes, stream>>>(scores, maxima, job);
  check_launch("find_best");
}

template <typename Score>
void find_for_few(const Score* scores, const float* maxima, const Job& job, const Candidates& candidates, cudaStream_t stream) {
  constexpr int threads = 1024;
  const auto blocks = static_cast<unsigned>(job.queries.count);
  constexpr int histogram_bytes = histogram_bins * static_cast<int>(sizeof(int));
  find_bar_kernel<threads, Score><<<blocks, threads, histogram_bytes, stream>>>(maxima, job, candidates);
  check_launch("find_bar");
  const dim3 parts(static_cast<unsigned>((job.groups.count + groups_a_block - 1) / groups_a_block), blocks);
  if (loads_of_16_bytes(job)) {
    score_candidates_kernel<4, Score><<<parts, groups_a_block, 0, stream>>>(scores, maxima, job, candidates);
  } else {
    score_candidates_kernel<16, Score><<<parts, groups_a_block, 0, stream>>>(scores, maxima, job, candidates);
  }
  check_launch("score_candidates");
  const int bytes = job.room * static_cast<int>(sizeof(int64_t) + sizeof(float));
  allow_shared_memory(rank_candidates_kernel<threads>, bytes);
  rank_candidates_kernel<threads><<<blocks, threads, bytes, stream>>>(job, candidates);
  check_launch("rank_candidates");
}

}  // namespace

template <typename Score>
void find_best(const Score* scores, const float* maxima, const QueriesOnCard& queries, const RowsOnCard& rows, const Groups& groups, const BestOnCard& best,
               bool more, int64_t rows_a_label, const Candidates& candidates, cudaStream_t stream) {
  const int64_t rank = (best.kept - 1) * rows_a_label + 1;
  const bool few = queries.count <= few_queries;
  // Few queries leave the card idle, and may have all the room there is.
  const int64_t room = few || rank > most_candidates / 8 ? most_candidates : rank < 256 ? 2048 : power_of_two_at_least(8 * rank);
  const Job job{queries, rows, groups, best, more, static_cast<int>(rank), more || rows_a_label > 1, static_cast<int>(room)};
  if (few) {
    find_for_few(scores, maxima, job, candidates, stream);
  } else {
    find_for_many(scores, maxima, job, stream);
  }
}

template void find_best<__half>(const __half*, const float*, const QueriesOnCard&, const RowsOnCard&, const Groups&, const BestOnCard&, bool, int64_t,
                                const Candidates&, cudaStream_t);
template void find_best<float>(const float*, const float*, const QueriesOnCard&, const RowsOnCard&, const Groups&, const BestOnCard&, bool, int64_t,
                               const Candidates&, cudaStream_t);

}  // namespace lmtx::cuda
