// Neighbouring sequences of one length, computed together: a dense [count, length, …] block, although nothing is padded. Internal.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "lmtx/text/token_batch.h"

namespace lmtx::ops {

struct Run {
  int64_t count = 0;
  int64_t length = 0;
};

std::vector<Run> equal_length_runs(const TokenBatch& batch);

// Views of the rows of each run.
std::vector<at::Tensor> split_runs(const at::Tensor& rows, const std::vector<Run>& runs);

// The rows of all runs, one after the other.
at::Tensor join(const std::vector<at::Tensor>& parts);

// int64 [T] on the batch's device: the place of each token in its sequence.
at::Tensor places(const TokenBatch& batch);

}  // namespace lmtx::ops
