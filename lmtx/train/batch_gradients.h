// The loss of one batch and its gradients, in as many parts as memory asks for. Internal.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <stop_token>
#include <vector>

#include "lmtx/export.h"
#include "lmtx/nn/sentence_model.h"
#include "lmtx/train/losses.h"

namespace lmtx {

// Token ids of B documents and of a label that fits each.
struct TrainingBatch {
  std::vector<std::vector<int32_t>> documents;
  std::vector<std::vector<int32_t>> labels;
  // bool [B, B], as triplet_loss() takes it.
  at::Tensor is_yes;
};

struct BatchGradientOptions {
  TripletLossOptions loss;
  // Tokens computed at once.
  int64_t token_budget = 16384;
  // Tokens at the start of documents and labels that are left out of their vectors (TokenBatch::unpooled).
  int64_t document_unpooled = 0;
  int64_t label_unpooled = 0;
  bool dropout = true;
  // Keys the dropout masks of the batch.
  uint64_t dropout_key = 0;
};

// Adds the gradients of the batch's loss to those of the model's parameters, and returns the loss. A batch over the token budget is embedded in parts: first
// all vectors without gradients, then the loss and its gradient on the vectors, then each part again with the same dropout, through which that gradient
// flows on (GradCache, Gao et al. 2021, arXiv 2101.06983). Throws Stopped, with some of the gradients added.
LMTX_API double add_batch_gradients(const SentenceModel& model, const TrainingBatch& batch, const BatchGradientOptions& options, const std::stop_token& stop = {});

}  // namespace lmtx
