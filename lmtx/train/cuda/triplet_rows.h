// The rows of the triplet loss on a card. Internal; see lmtx/train/triplet_rows.h for what is computed.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "lmtx/export.h"

namespace lmtx::cuda {

struct TripletRows {
  // [num_rows, batch] row by row, on the card: cosines, which become coefficients.
  float* similarity = nullptr;
  // [num_rows]: the loss of each row, divided by `batch`.
  float* losses = nullptr;
  // Row 0 is row `first_row` of the batch.
  int64_t first_row = 0, num_rows = 0, batch = 0;
  // BatchYeses::Parts, on the card.
  const int32_t *row_offsets = nullptr, *row_groups = nullptr, *group_offsets = nullptr, *group_columns = nullptr;
  int64_t hard_negatives = 1;
  float margin = 0, temperature = 1;
};

// Throws std::runtime_error where the launch fails.
LMTX_API void triplet_rows(const TripletRows& rows, cudaStream_t stream);

}  // namespace lmtx::cuda
