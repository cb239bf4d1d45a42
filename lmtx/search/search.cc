// A search from end to end: blocks of queries, each through every segment.
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "lmtx/search/detail/dot.h"
#include "lmtx/search/detail/search_state.h"
#include "lmtx/search/detail/vectors.h"
#include "lmtx/stopped.h"

namespace lmtx::detail {
namespace {

// Floats of a block of scores: 4 MiB, what stays in a processor's cache.
constexpr int64_t scores_at_once = int64_t{1} << 20;
// Best labels and candidates kept at once, over the queries of a block.
constexpr int64_t candidates_at_once = int64_t{1} << 21;
constexpr int64_t most_queries_at_once = 256;

// The queries' lengths.
std::vector<double> checked_norms(const at::Tensor& queries, const IndexState& index) {
  double longest_row = 0;
  for (const auto& segment : index.segments) longest_row = std::max(longest_row, segment->max_norm());
  std::vector<double> norms(static_cast<size_t>(queries.size(0)));
  const auto* data = queries.const_data_ptr<float>();
  for (int64_t q = 0; q < queries.size(0); ++q) {
    norms[q] = std::sqrt(exact_dot(data + q * index.dim, data + q * index.dim, index.dim));
    if (norms[q] * longest_row > largest_product) refuse_long_query(q);
  }
  return norms;
}

void write_result(const std::vector<ScoredLabel>& best, int64_t k, int64_t* labels, float* scores) {
  for (size_t i = 0; i < best.size(); ++i) {
    labels[i] = best[i].label;
    scores[i] = best[i].score;
  }
  std::fill(labels + best.size(), labels + k, -1);
  std::fill(scores + best.size(), scores + k, -std::numeric_limits<float>::infinity());
}

// The searches of one call; block after block of queries through them.
class Search {
 public:
  Search(const IndexState& index, const LabelFilter& filter, int64_t k, bool use_graphs, const std::stop_token& stop)
      : index_(index), offsets_(index, filter), kept_(std::clamp<int64_t>(index.num_labels, 1, k)), use_graphs_(use_graphs), stop_(stop) {
    buffer_ = at::empty({scores_at_once}, at::TensorOptions().dtype(at::kFloat).device(at::kCPU));
  }

  int64_t queries_at_once() const {
    return std::clamp<int64_t>(candidates_at_once / (kept_ + 2 * QuerySearch::batch(kept_)), 1, most_queries_at_once);
  }

  std::vector<QuerySearch> run(const at::Tensor& queries, std::span<const double> norms) {
    std::vector<QuerySearch> searches;
    for (int64_t q = 0; q < queries.size(0); ++q) searches.emplace_back(queries.const_data_ptr<float>() + q * index_.dim, index_.dim, norms[q], kept_);
    std::vector<QuerySearch*> pointers;
    for (QuerySearch& search : searches) pointers.push_back(&search);
    for (size_t s = 0; s < index_.segments.size(); ++s) search_segment(*index_.segments[s], static_cast<int64_t>(s), pointers);
    at::parallel_for(0, queries.size(0), 1, [&](int64_t from, int64_t to) {
      for (int64_t q = from; q < to; ++q) searches[q].settle();
    });
    return searches;
  }

 private:
  void search_segment(const Segment& segment, int64_t number, std::vector<QuerySearch*> searches) {
    if (use_graphs_ && segment.graph() != nullptr) searches = walk_segment(segment, number, offsets_, searches, kept_, stop_);
    if (!searches.empty()) scan_segment(segment, number, offsets_, searches, buffer_, stop_);
  }

  const IndexState& index_;
  RowOffsets offsets_;
  int64_t kept_;
  bool use_graphs_;
  at::Tensor buffer_;  // float32 [scores_at_once]
  const std::stop_token& stop_;
};

LabelMatches no_matches_yet(int64_t num_queries, int64_t k) {
  const auto on_cpu = at::TensorOptions().device(at::kCPU);
  return {.labels = at::empty({num_queries, k}, on_cpu.dtype(at::kLong)), .scores = at::empty({num_queries, k}, on_cpu.dtype(at::kFloat))};
}

}  // namespace

void check_k(int64_t k) {
  if (k < 1) throw std::invalid_argument("`k` must be at least 1, but is " + std::to_string(k) + " instead.");
}

void refuse_long_query(int64_t query) {
  throw std::invalid_argument("`queries` row " + std::to_string(query) + " is so long that scores would overflow float32.");
}

void report_search(const EventCallback& on_event, int64_t done, int64_t total) {
  if (!on_event) return;
  Event event;
  event.stage = "search";
  event.done = done;
  event.total = total;
  on_event(event);
}

LabelMatches search_index(const IndexState& index, const at::Tensor& given, int64_t k, const LabelFilter& filter, const EventCallback& on_event,
                          const std::stop_token& stop, bool use_graphs) {
  check_k(k);
  const c10::NoGradGuard no_grad;
  const at::Tensor queries = checked_vectors(given, "queries", index.dim);
  const std::vector<double> norms = checked_norms(queries, index);
  const int64_t num_queries = queries.size(0);
  LabelMatches matches = no_matches_yet(num_queries, k);
  Search search(index, filter, k, use_graphs, stop);
  for (int64_t begin = 0; begin < num_queries; begin += search.queries_at_once()) {
    check_stop(stop);
    const int64_t end = std::min(begin + search.queries_at_once(), num_queries);
    const auto done = search.run(queries.slice(0, begin, end), std::span(norms).subspan(begin, end - begin));
    for (int64_t q = begin; q < end; ++q) {
      write_result(done[q - begin].top().sorted(), k, matches.labels.mutable_data_ptr<int64_t>() + q * k, matches.scores.mutable_data_ptr<float>() + q * k);
    }
    report_search(on_event, end, num_queries);
  }
  return matches;
}

}  // namespace lmtx::detail
