// Memory that inference takes between its steps, kept from one batch to the next.
#pragma once

#include <cstdint>
#include <vector>

#include "lmtx/nn/cpu/buffer.h"
#include "lmtx/nn/cpu/packed_linear.h"

namespace lmtx::cpu {

// Of one thread.
struct Scratch {
  // Of the tokens of a tile: what goes into a product, what comes out of the first of two and of its activation, the sum with the residual.
  Buffer<float> input, inner, gated, sum;
  Converted converted;
  // Of a head: the keys of a sequence, and the scores of some queries.
  Buffer<float> keys, scores;
  // Vectors between pooling and what comes behind it.
  Buffer<float> vectors, next;
};

// Of one batch.
struct Workspace {
  // [tokens, dim]; [tokens, 3 * dim]; [tokens, dim].
  Buffer<float> hidden, qkv, mixed;
  // One a thread that computes for the batch.
  std::vector<Scratch> scratch;
};

// One a batch that is computed at the same time as others; made by whoever calls for inference again and again, by one thread at a time.
struct Workspaces {
  std::vector<Workspace> of_batch;
};

}  // namespace lmtx::cpu
