// A search in progress.
#pragma once

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <stop_token>
#include <unordered_set>
#include <vector>

#include "lmtx/search/detail/index_state.h"
#include "lmtx/search/detail/top_labels.h"

namespace lmtx::detail {

// What is added to the scores of a row: its label's bias, or -infinity where the label may not be found.
class RowOffsets {
 public:
  RowOffsets(const IndexState& index, const LabelFilter& filter);
  // All zero.
  bool trivial() const { return trivial_; }
  float of(int64_t segment, int64_t label) const;
  // The largest that a label can have, at least 0.
  float largest() const { return largest_; }
  // The largest absolute value but infinity.
  float largest_size() const { return largest_size_; }

 private:
  const IndexState& index_;
  std::unordered_set<int64_t> allow_;
  std::unordered_set<int64_t> deny_;
  bool trivial_;
  float largest_ = 0;
  float largest_size_ = 0;
};

// One query's best labels so far. Rows come with cheap, approximate scores; those that may be among the best are scored exactly, a batch at a time,
// and only exact scores decide. So the result does not depend on how the approximate ones were rounded.
class QuerySearch {
 public:
  // Batches of rows that wait for their exact scores; at least k, so that merging costs little a row.
  static int64_t batch(int64_t k) { return std::max<int64_t>(k, 128); }

  // `norm`: the query's length.
  QuerySearch(const float* query, int64_t dim, double norm, int64_t k) : query_(query), dim_(dim), norm_(norm), batch_(batch(k)), top_(k) {}

  const float* query() const { return query_; }
  double norm() const { return norm_; }
  // A row whose approximate score is below can be left out, given that approximate scores are off by at most `error`.
  float bar(double error) const;
  // True if the bar may have risen.
  bool offer(const float* row, int64_t label, float offset) {
    waiting_.push_back({row, label, offset});
    if (static_cast<int64_t>(waiting_.size()) < batch_) return false;
    settle();
    return true;
  }
  // Scores what waits.
  void settle();
  const TopLabels& top() const { return top_; }

 private:
  struct Candidate {
    const float* row;
    int64_t label;
    float offset;
  };
  const float* query_;
  int64_t dim_;
  double norm_;
  int64_t batch_;
  TopLabels top_;
  std::vector<Candidate> waiting_;
  std::vector<ScoredLabel> scored_;
};

// Offers every row of a segment that may be among the best. `buffer`: float32 [at least one for each search], for a block of scores. Throws Stopped.
void scan_segment(const Segment& segment, int64_t segment_number, const RowOffsets& offsets, std::span<QuerySearch* const> searches, const at::Tensor& buffer,
                  const std::stop_token& stop);

// Offers the rows that the segment's graph leads to, more of them until more would hardly change the best. Returns the searches for which it led to too
// few (filters, tombstones, many rows of one label), to be scanned for. Throws Stopped.
std::vector<QuerySearch*> walk_segment(const Segment& segment, int64_t segment_number, const RowOffsets& offsets, std::span<QuerySearch* const> searches,
                                       int64_t k, const std::stop_token& stop);

// On the CPU; with `use_graphs` through the graphs of segments that have them.
LabelMatches search_index(const IndexState& index, const at::Tensor& queries, int64_t k, const LabelFilter& filter, const EventCallback& on_event,
                          const std::stop_token& stop, bool use_graphs = true);

// Throws std::invalid_argument.
void check_k(int64_t k);
// Products of vectors whose lengths have a larger product could overflow float32.
constexpr double largest_product = 1e38;
[[noreturn]] void refuse_long_query(int64_t query);
void report_search(const EventCallback& on_event, int64_t done, int64_t total);

}  // namespace lmtx::detail
