// Kernels of search on a card. Pointers are to its memory unless said otherwise; each function queues its work on `stream` and returns; they throw
// std::runtime_error where a kernel cannot be launched. Seen by nvcc: no torch, C++17.
#pragma once

#include <cuda_fp16.h>
#include <cuda_runtime_api.h>

#include <cstdint>

#include "lmtx/search/cuda/error_bound.h"

namespace lmtx::cuda {

// float16 vectors are filled with zeros to a multiple of this many numbers, and blocks of them to a multiple of this many rows, for loads of 16 bytes.
constexpr int64_t padding = 8;
constexpr int64_t padded(int64_t size) { return (size + padding - 1) / padding * padding; }

// Vectors of bytes are filled with zeros to a multiple of this many.
constexpr int64_t byte_padding = 16;
constexpr int64_t padded_bytes(int64_t size) { return (size + byte_padding - 1) / byte_padding * byte_padding; }
// Of longer vectors there are no bytes.
constexpr int64_t most_byte_dims = 1536;

// The best labels of a query come out of at most this many candidates.
constexpr int64_t most_candidates = 8192;
// Ranks beyond would want more.
constexpr int64_t most_ranks = 2048;
constexpr int64_t most_groups = 16384;

// This thread's calls of the CUDA runtime go to the device from now on.
void use_device(int device);

// Rows of one segment that are searched at once.
struct RowsOnCard {
  const float* rows;        // [count, dim]
  const __half* half_rows;  // [padded(count), padded(dim)], scaled
  const int64_t* owners;    // [count]
  const float* offsets;     // [count]; null where all are zero
  const float* rounding;    // [1]: RoundedVectors::rounding
  int64_t count;
  int64_t dim;
  double length;
  int exponent;
  double largest_offset;
};

// The same rows in bytes, for one query: what a row's bytes stand for are they times its scale.
struct BytesOnCard {
  const int8_t* bytes;    // [count, padded_bytes(dim)]
  const float* scales;    // [count]
  const float* rounding;  // [1]: as of RowsOnCard, for bytes
};

// A query in bytes: its numbers are whole numbers times the scale.
struct ByteFigures {
  RoundedVectors vectors;
  float scale;
};

// Queries, once prepared.
struct QueriesOnCard {
  const float* queries;           // [count, dim]
  const __half* half_queries;     // [count, padded(dim)], scaled
  const RoundedVectors* figures;  // [count]
  int64_t count;
};

// Where find_best() keeps candidates of up to `few_queries` queries, so that many blocks of threads can score them.
constexpr int64_t few_queries = 32;
struct Candidates {
  float* bars;      // [few_queries]: approximate scores below are left out
  int32_t* counts;  // [few_queries]
  int64_t* labels;  // [few_queries, most_candidates]
  float* scores;    // the same
};

// What a query found so far, best first; written by find_best().
struct BestOnCard {
  int64_t* labels;  // [count, k], -1 behind the last
  float* scores;    // [count, k], -infinity behind the last
  int32_t* missed;  // [count]: set to 1 where a query had more candidates than there is room for, so that its best may be wrong
  int64_t k;
  // The first `kept` of k are looked for.
  int64_t kept;
};

// Groups of rows: row i belongs to group i % groups, so that neighbors, which may be alike, come into different groups.
struct Groups {
  int64_t count;  // a multiple of `padding`
  int64_t depth;  // rows a group, at most
};
Groups groups_for(int64_t num_rows);

// half_rows and *rounding from rows. Rows beyond count and numbers beyond dim become zero.
void round_rows(const float* rows, __half* half_rows, float* rounding, int64_t count, int64_t dim, int exponent, cudaStream_t stream);

// bytes, scales and *rounding from rows.
void round_rows_to_bytes(const float* rows, int8_t* bytes, float* scales, float* rounding, int64_t count, int64_t dim, int exponent, cudaStream_t stream);

// Faults of queries: the number of the first query with numbers that are not finite, and of the first whose scores could overflow; no_fault for none.
constexpr int32_t no_fault = 0x7f7f7f7f;  // every byte is the same
struct QueryFaults {
  int32_t not_finite;
  int32_t too_long;
};

// half_queries and figures from queries; faults are lowered to `first` + the number of a query with one: `largest_product` is the most that a query's length
// times `longest_row` may be.
void prepare_queries(const float* queries, __half* half_queries, RoundedVectors* figures, QueryFaults* faults, int64_t count, int64_t dim, int64_t first,
                     double longest_row, double largest_product, cudaStream_t stream);

// The same for one query, in one kernel, with its bytes, [2, padded_bytes(dim)], the higher ones first. *faults and *missed are written even where there is
// nothing to say. dim: at most most_byte_dims.
void prepare_query(const float* query, __half* half_query, RoundedVectors* figures, int8_t* bytes, ByteFigures* byte_figures, QueryFaults* faults,
                   int32_t* missed, int64_t dim, double longest_row, double largest_product, cudaStream_t stream);

// maxima: [queries.count, groups.count], of the scores of the group's rows with their offsets; scores: [queries.count, padded(rows.count)], as a matrix product
// left them.
void find_maxima(const __half* scores, float* maxima, const QueriesOnCard& queries, const RowsOnCard& rows, const Groups& groups, cudaStream_t stream);

// The product of one query with all rows: scores, [groups.count, groups.depth], and maxima, [groups.count].
void multiply_one(float* scores, float* maxima, const QueriesOnCard& query, const RowsOnCard& rows, const Groups& groups, cudaStream_t stream);

// The same with bytes, which are half to read and more than ten times as far from the rows. find_best() wants `query->vectors` and `bytes.rounding`.
void multiply_one_by_bytes(float* scores, float* maxima, const RowsOnCard& rows, const BytesOnCard& bytes, const int8_t* query_bytes, const ByteFigures* query,
                           const Groups& groups, cudaStream_t stream);

// The best labels among the rows, and among those in `best` with `more`. `rows_a_label`: how many rows of these a label has at most.
// `scores`: half as find_maxima() reads them, float as multiply_one() writes them.
template <typename Score>
void find_best(const Score* scores, const float* maxima, const QueriesOnCard& queries, const RowsOnCard& rows, const Groups& groups, const BestOnCard& best,
               bool more, int64_t rows_a_label, const Candidates& candidates, cudaStream_t stream);

extern template void find_best<__half>(const __half*, const float*, const QueriesOnCard&, const RowsOnCard&, const Groups&, const BestOnCard&, bool, int64_t,
                                       const Candidates&, cudaStream_t);
extern template void find_best<float>(const float*, const float*, const QueriesOnCard&, const RowsOnCard&, const Groups&, const BestOnCard&, bool, int64_t,
                                      const Candidates&, cudaStream_t);

}  // namespace lmtx::cuda
