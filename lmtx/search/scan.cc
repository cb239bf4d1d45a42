// Exact search through a segment, block by block: a matrix product gives approximate scores, and rows near enough to the best go on.
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/mm.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stop_token>

#include "lmtx/search/detail/search_state.h"
#include "lmtx/stopped.h"

namespace lmtx::detail {
namespace {

constexpr double float_ulp = 0x1.0p-23;
constexpr double bfloat16_ulp = 0x1.0p-8;

// How far a product of float32 vectors of length 1 may be from its true value, however its terms are added up (Higham 2002, section 3.1).
double product_error(int64_t dim) {
  // torch.set_float32_matmul_precision lets products round their factors to 8 or 11 bits.
  const auto precision = at::globalContext().float32Precision(at::Float32Backend::MKLDNN, at::Float32Op::MATMUL);
  const bool full = precision == at::Float32Precision::NONE || precision == at::Float32Precision::IEEE;
  return static_cast<double>(dim + 2) * float_ulp + (full ? 0.0 : 2 * bfloat16_ulp);
}

// The same for a query and any row of a segment, with the rounding of the offset and of the exact score, and with tiny terms flushed to zero.
double score_error(const QuerySearch& search, const Segment& segment, const RowOffsets& offsets) {
  const double size = search.norm() * segment.max_norm();
  const double tiny = static_cast<double>(segment.dim()) * std::numeric_limits<float>::min();
  return size * product_error(segment.dim()) + (size + offsets.largest_size()) * 2 * float_ulp + tiny;
}

struct Block {
  const Segment& segment;
  int64_t begin;
  int64_t size;
  // [size]; empty where all are zero.
  std::vector<float> offsets;
};

Block make_block(const Segment& segment, int64_t segment_number, const RowOffsets& offsets, int64_t begin, int64_t size) {
  Block block{segment, begin, size, {}};
  if (offsets.trivial()) return block;
  block.offsets.resize(static_cast<size_t>(size));
  at::parallel_for(0, size, 2048, [&](int64_t from, int64_t to) {
    for (int64_t j = from; j < to; ++j) block.offsets[j] = offsets.of(segment_number, segment.owners()[begin + j]);
  });
  return block;
}

bool may_be_found(const Block& block) {
  const auto finite = [](float offset) { return offset > -std::numeric_limits<float>::infinity(); };
  return block.offsets.empty() || std::any_of(block.offsets.begin(), block.offsets.end(), finite);
}

// Most rows are far from the best: look at 16 at a time, which compilers turn into vector instructions.
bool any_reaches(const float* scores, int64_t count, float bar) {
  int reached = 0;
  for (int64_t j = 0; j < count; ++j) reached |= scores[j] >= bar;
  return reached != 0;
}

// `scores`: [block.size], offsets not yet added.
void offer_near_best(const Block& block, float* scores, double error, QuerySearch& search) {
  if (!block.offsets.empty()) {
    for (int64_t j = 0; j < block.size; ++j) scores[j] += block.offsets[j];
  }
  const auto owners = block.segment.owners();
  constexpr int64_t step = 16;
  float bar = search.bar(error);
  for (int64_t first = 0; first < block.size; first += step) {
    const int64_t count = std::min(step, block.size - first);
    if (!any_reaches(scores + first, count, bar)) continue;
    for (int64_t j = first; j < first + count; ++j) {
      if (scores[j] < bar) continue;
      const int64_t row = block.begin + j;
      const float offset = block.offsets.empty() ? 0.0f : block.offsets[j];
      if (search.offer(block.segment.row(row), owners[row], offset)) bar = search.bar(error);
    }
  }
}

// float32 [size, dim], not copied.
at::Tensor rows_of(const Block& block) {
  return at::from_blob(const_cast<float*>(block.segment.row(block.begin)), {block.size, block.segment.dim()}, at::TensorOptions().dtype(at::kFloat));
}

// float32 [num_searches, dim].
at::Tensor queries_of(std::span<QuerySearch* const> searches, int64_t dim) {
  at::Tensor queries = at::empty({static_cast<int64_t>(searches.size()), dim}, at::TensorOptions().dtype(at::kFloat).device(at::kCPU));
  auto* to = queries.mutable_data_ptr<float>();
  for (const QuerySearch* search : searches) to = std::copy_n(search->query(), dim, to);
  return queries;
}

}  // namespace

void scan_segment(const Segment& segment, int64_t segment_number, const RowOffsets& offsets, std::span<QuerySearch* const> searches, const at::Tensor& buffer,
                  const std::stop_token& stop) {
  const auto num_searches = static_cast<int64_t>(searches.size());
  const at::Tensor queries = queries_of(searches, segment.dim());
  const int64_t rows_at_once = buffer.numel() / num_searches;
  for (int64_t begin = 0; begin < segment.num_rows(); begin += rows_at_once) {
    check_stop(stop);
    const Block block = make_block(segment, segment_number, offsets, begin, std::min(rows_at_once, segment.num_rows() - begin));
    if (!may_be_found(block)) continue;
    at::Tensor scores = buffer.narrow(0, 0, num_searches * block.size).view({num_searches, block.size});
    at::mm_out(scores, queries, rows_of(block).t());
    auto* data = scores.mutable_data_ptr<float>();
    at::parallel_for(0, num_searches, 1, [&](int64_t from, int64_t to) {
      for (int64_t q = from; q < to; ++q) offer_near_best(block, data + q * block.size, score_error(*searches[q], segment, offsets), *searches[q]);
    });
  }
}

}  // namespace lmtx::detail
