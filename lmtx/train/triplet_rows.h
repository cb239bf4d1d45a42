// The triplet loss of some rows of a batch, and its gradient with respect to their cosines. Internal.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "lmtx/export.h"
#include "lmtx/train/batch_yeses.h"
#include "lmtx/train/losses.h"

namespace lmtx {

// similarity: [R, B], contiguous, the cosines of rows first_row, first_row + 1, … of the batch with all of its columns; float32, on the CPU also float64. In
// its place the gradient of the batch's loss with respect to it is written: w_ij / B at the hard negatives j of row i that violate the margin, minus their sum
// at i itself, 0 elsewhere. `yeses` is on the same device. Returns each row's part of the loss, [R]. What is no number makes its row's part none. Rows are
// independent of each other, and sums have a fixed order. Nothing waits for a card.
LMTX_API at::Tensor triplet_rows(const at::Tensor& similarity, int64_t first_row, const BatchYeses& yeses, const TripletLossOptions& options);

}  // namespace lmtx
