// What a training is made of: the batch of each of its steps. Internal.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "lmtx/detail/digest.h"
#include "lmtx/export.h"
#include "lmtx/train/batch_loss.h"

namespace lmtx {

// Token ids of B texts and of C others (documents and labels, say), all cut to their lengths, and the loss of their vectors. A text that comes twice is two
// rows, with dropout masks of their own. There is at least one on each side.
struct TrainingBatch {
  std::vector<std::vector<int32_t>> left = {};
  std::vector<std::vector<int32_t>> right = {};
  std::shared_ptr<const BatchLoss> loss = {};
  // Tokens at the start of the texts that are left out of their vectors (TokenBatch::unpooled).
  int64_t left_unpooled = 0;
  int64_t right_unpooled = 0;
  // Keys the dropout masks.
  uint64_t dropout_key = 0;
};

class LMTX_API TrainingSteps {
 public:
  virtual ~TrainingSteps();

  virtual int64_t num_steps() const = 0;
  // Of step t, from 1: a pure function of t, so that a training can go on from any step. Called from one thread at a time, which need not be the one that made
  // this.
  virtual TrainingBatch batch(int64_t t) const = 0;
  // Adds to `key` everything that the batches depend on, behind a part that names the kind of steps: a checkpoint of steps with another key is of no use. The
  // tokens of texts may be left out where they belong to the run, as a token file does.
  virtual void add_to(detail::Hasher& key) const = 0;
};

}  // namespace lmtx
