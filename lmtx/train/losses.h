// What a student is trained to lower.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "lmtx/export.h"
#include "lmtx/train/batch_yeses.h"

namespace lmtx {

struct TripletLossOptions {
  double margin = 0.3;
  int64_t hard_negatives = 10;
  double violator_temperature = 0.1;
};

// The in-batch triplet loss of the paper with online hard negatives (section 3.3 and its published settings): columns are one positive of each
// document. s = documents labels^T; L = 1/B sum_i sum_{j in H_i} w_ij max(0, s_ij - s_ii + margin), where H_i are the at most `hard_negatives` best columns
// that are no yes of document i, and w_i a softmax of s / violator_temperature over those of H_i that violate the margin, detached.
// documents, labels: [B, dim], unit rows, float32 or float64 (on a card float32); `yeses`: where column j's label is a yes of document i (the diagonal always
// counts as one). Returns a scalar; 0 (with zero gradients) where nothing violates. Differentiable in both, once. A large batch, and any on a card, is
// computed block of rows by block, in memory of 1,024 B numbers; nothing waits for the card.
LMTX_API at::Tensor triplet_loss(const at::Tensor& documents, const at::Tensor& labels, const BatchYeses& yeses, const TripletLossOptions& options = {});
// The same with a bool matrix [B, B], entry (i, j) set for a yes.
LMTX_API at::Tensor triplet_loss(const at::Tensor& documents, const at::Tensor& labels, const at::Tensor& is_yes, const TripletLossOptions& options = {});

// The two ways in which it is computed, for any batch: all cosines at once, and `block` rows of them at a time.
LMTX_API at::Tensor triplet_loss_at_once(const at::Tensor& documents, const at::Tensor& labels, const at::Tensor& is_yes, const TripletLossOptions& options);
LMTX_API at::Tensor triplet_loss_in_blocks(const at::Tensor& documents, const at::Tensor& labels, const BatchYeses& yeses, const TripletLossOptions& options,
                                           int64_t block = 1024);

}  // namespace lmtx
