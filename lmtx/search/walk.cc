// Approximate search through a segment with a graph.
#include <ATen/Parallel.h>

#include <algorithm>
#include <limits>

#include "lmtx/search/detail/dot.h"
#include "lmtx/search/detail/search_state.h"
#include "lmtx/stopped.h"

namespace lmtx::detail {
namespace {

// Rows asked for at first: more than labels, since walks miss some and labels may own several.
int64_t rows_at_first(int64_t k) { return std::max<int64_t>(4 * k, 64); }

class Walk {
 public:
  Walk(const Segment& segment, int64_t segment_number, const RowOffsets& offsets, int64_t k)
      : segment_(segment), segment_number_(segment_number), offsets_(offsets), k_(k) {}

  // False where a scan is the better way.
  bool run(QuerySearch& search) const {
    for (int64_t count = rows_at_first(k_); count <= segment_.num_rows() / 8; count *= 4) {
      const std::vector<int64_t> rows = segment_.graph()->nearest(search.query(), count);
      for (int64_t row : rows) offer(row, search);
      search.settle();
      if (static_cast<int64_t>(rows.size()) < count) return false;
      if (search.top().full() && search.top().worst() >= best_possible(rows.back(), search)) return true;
    }
    return false;
  }

 private:
  void offer(int64_t row, QuerySearch& search) const {
    const int64_t label = segment_.owners()[row];
    const float offset = offsets_.of(segment_number_, label);
    if (offset > -std::numeric_limits<float>::infinity()) search.offer(segment_.row(row), label, offset);
  }

  // Of rows that come after `row`, the last that was found.
  double best_possible(int64_t row, const QuerySearch& search) const {
    return exact_dot(search.query(), segment_.row(row), segment_.dim()) + offsets_.largest();
  }

  const Segment& segment_;
  int64_t segment_number_;
  const RowOffsets& offsets_;
  int64_t k_;
};

}  // namespace

std::vector<QuerySearch*> walk_segment(const Segment& segment, int64_t segment_number, const RowOffsets& offsets, std::span<QuerySearch* const> searches,
                                       int64_t k, const std::stop_token& stop) {
  check_stop(stop);
  const Walk walk(segment, segment_number, offsets, k);
  std::vector<char> done(searches.size());
  at::parallel_for(0, static_cast<int64_t>(searches.size()), 1, [&](int64_t from, int64_t to) {
    for (int64_t q = from; q < to; ++q) done[q] = walk.run(*searches[q]);
  });
  std::vector<QuerySearch*> open;
  for (size_t q = 0; q < searches.size(); ++q) {
    if (!done[q]) open.push_back(searches[q]);
  }
  return open;
}

}  // namespace lmtx::detail
