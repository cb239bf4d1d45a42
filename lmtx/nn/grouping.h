// Batches put in an order that the operations compute fast: equal lengths side by side.
#pragma once

#include <ATen/core/Tensor.h>

#include "lmtx/text/token_batch.h"

namespace lmtx {

struct GroupedBatch {
  TokenBatch batch;
  // int64 [n]: row i of the caller's batch is row place[i] here. Undefined where the order is the caller's.
  at::Tensor place;

  // Rows [n, d] of this batch in the caller's order.
  at::Tensor restore(const at::Tensor& rows) const;
};

// The same batch where its equal lengths are side by side already, else one that is stably sorted by falling length.
GroupedBatch group_by_length(const TokenBatch& batch);

}  // namespace lmtx
