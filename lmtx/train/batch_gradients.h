// The loss of one batch and its gradients, in as many parts as memory asks for. Internal.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <stop_token>
#include <vector>

#include "lmtx/export.h"
#include "lmtx/nn/sentence_model.h"
#include "lmtx/train/batch_loss.h"
#include "lmtx/train/training_steps.h"

namespace lmtx {

struct BatchGradientOptions {
  // Tokens computed at once.
  int64_t token_budget = 16384;
  bool dropout = true;
};

// A batch cut into parts of at most the token budget (or one text that is longer alone), packed on the host, for a card in pinned memory. A part has left
// or right texts; on a card, where they leave out equally many tokens, it may have both, so that a batch within the budget is one pass through the network.
struct LMTX_API PreparedBatch {
  struct Part {
    TokenBatch tokens;
    // int64 [n]: text i of the part is row rows[i] of the batch, whose left texts are rows 0 to B - 1 and whose right texts are rows B to B + C - 1.
    at::Tensor rows;
    uint64_t dropout_key = 0;
  };
  std::vector<Part> parts;
  // int64 [B + C]: row i of the batch is text positions[i] of all parts.
  at::Tensor positions;
  int64_t num_left = 0;
  std::shared_ptr<const BatchLoss> loss;
  BatchGradientOptions options;
  // Whether all fits the budget together.
  bool whole = false;

  // A token budget that cuts the batch into smaller parts; 0 where each part is one text already.
  int64_t smaller_budget() const;
};

LMTX_API PreparedBatch prepare_batch(const TrainingBatch& batch, const BatchGradientOptions& options, at::Device device);

// Adds the gradients of the batch's loss to those of the model's parameters, and returns the loss, a scalar on the device. A batch over the token budget is
// embedded in parts: first all vectors without gradients, then the loss and its gradient on the vectors, then each part again with the same dropout, through
// which that gradient flows on (GradCache, Gao et al. 2021, arXiv 2101.06983). Nothing waits for a card. Throws Stopped, with some of the gradients added.
LMTX_API at::Tensor add_batch_gradients(TrainingNetwork& network, const PreparedBatch& batch, at::Device device, const std::stop_token& stop = {});

}  // namespace lmtx
