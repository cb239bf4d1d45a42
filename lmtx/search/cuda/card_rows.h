// Segments of a label index on a card.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "lmtx/search/cuda/kernels.h"
#include "lmtx/search/detail/segment.h"

namespace lmtx::cuda {

// Bytes on a card of a row: float32 and float16 copies, and its owner.
int64_t bytes_of_row(int64_t dim);

// Rows of a segment that are searched at once. On the card, or of which only the place is known, to be copied there for each search.
struct CardPart {
  int64_t begin = 0;
  int64_t count = 0;
  at::Tensor rows;       // float32 [count, dim]; undefined where the rows are not on the card
  at::Tensor half_rows;  // float16 [padded(count), padded(dim)], scaled
  at::Tensor owners;     // int64 [count]
  at::Tensor rounding;   // float32 [1]: RoundedVectors::rounding

  bool on_card() const { return rows.defined(); }
};

// How memory of a card is shared out among segments.
struct CardMemory {
  // Bytes that rows may still take.
  int64_t left;
  // Rows of a part that is copied for each search; memory for two of them is taken once there is any.
  int64_t rows_a_copy;
};
// `limit`: as CardOptions::memory_limit; `taken`: bytes of rows that are there already, which count against it.
CardMemory card_memory(c10::Device device, int64_t limit, int64_t taken, int64_t dim);

// Immutable; keeps its segment alive.
class CardSegment {
 public:
  // Copies as many rows as memory is left for; the others become parts that are not on the card. Returns when they are there.
  CardSegment(std::shared_ptr<const detail::Segment> segment, c10::Device device, CardMemory& memory);

  const detail::Segment& segment() const { return *segment_; }
  const std::vector<CardPart>& parts() const { return parts_; }
  // How many rows a label has at most.
  int64_t rows_a_label() const { return rows_a_label_; }
  int64_t bytes() const { return bytes_; }

 private:
  std::shared_ptr<const detail::Segment> segment_;
  std::vector<CardPart> parts_;
  int64_t rows_a_label_ = 1;
  int64_t bytes_ = 0;
};

// Memory on a card for a part of `count` rows.
CardPart empty_part(int64_t count, int64_t dim, c10::Device device);
// The kernels' view of a part; offsets: null, or those of the segment's rows.
RowsOnCard view_of(const CardPart& part, const detail::Segment& segment, const float* offsets, double largest_offset);

// Bytes that can still be allocated, those that torch keeps for later allocations included.
int64_t free_bytes(c10::Device device);

}  // namespace lmtx::cuda
