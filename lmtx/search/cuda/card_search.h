// One search on a card.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <vector>

#include "lmtx/search/cuda/card_rows.h"
#include "lmtx/search/label_index.h"

namespace lmtx::cuda {

struct SearchedRows {
  c10::Device device;
  std::span<const std::shared_ptr<const CardSegment>> segments;
  // For each segment, float32 [its rows] on the card: added to the scores; undefined where all are zero.
  std::vector<at::Tensor> offsets;
  // The largest absolute one but infinity.
  double largest_offset;
  int64_t dim;
};

// How much is done at a time.
struct SearchSizes {
  // float16 scores of queries and rows.
  int64_t scores = int64_t{1} << 30;
  int64_t queries = 1024;
  // Of queries that go through rows which are copied to the card: the more, the fewer copies.
  int64_t queries_a_copy = 16384;
};

struct CardMatches {
  LabelMatches matches;
  // Queries with more candidates than there is room for, whose matches may be wrong.
  std::vector<int64_t> missed;
};

// The `kept` best of `k` labels for each of `queries`, float32 [at least one, dim], on any device; the result lies there. Each segment must have at most
// most_ranks rows with scores as good as the best labels'. Throws as LabelIndex::search(), and c10::OutOfMemoryError.
CardMatches search_card(const SearchedRows& rows, const at::Tensor& queries, int64_t k, int64_t kept, const SearchSizes& sizes, const EventCallback& on_event,
                        const std::stop_token& stop);

}  // namespace lmtx::cuda
