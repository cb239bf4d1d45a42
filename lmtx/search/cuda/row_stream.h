// Rows that are not on the card, on their way there.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>
#include <c10/cuda/CUDAEvent.h>
#include <c10/cuda/CUDAStream.h>

#include <array>
#include <cstdint>

#include "lmtx/search/cuda/card_rows.h"

namespace lmtx::cuda {

// Two parts at a time: one is copied while the other is searched. Belongs to one thread, and to the stream that was current when it was made.
class RowStream {
 public:
  // For parts of at most `most_rows` rows.
  RowStream(int64_t most_rows, int64_t dim, c10::Device device);
  // Waits until nothing uses its memory.
  ~RowStream();
  RowStream(const RowStream&) = delete;
  RowStream& operator=(const RowStream&) = delete;

  // The part's rows on the card, for work that is queued on the stream before release() is called.
  CardPart fetch(const detail::Segment& segment, const CardPart& part);
  void release();

 private:
  struct Slot {
    at::Tensor rows, owners;  // in pinned memory
    CardPart on_card;
    c10::cuda::CUDAEvent copied, released;
  };
  c10::cuda::CUDAStream work_;
  c10::cuda::CUDAStream copies_;
  std::array<Slot, 2> slots_;
  int current_ = 0;
};

}  // namespace lmtx::cuda
