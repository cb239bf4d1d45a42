// What a student is trained to lower.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "lmtx/export.h"

namespace lmtx {

struct TripletLossOptions {
  double margin = 0.3;
  int64_t hard_negatives = 10;
  double violator_temperature = 0.1;
};

// The in-batch triplet loss of the paper with online hard negatives (section 3.3 and its published settings): columns are one positive of each
// document. s = documents labels^T; L = 1/B sum_i sum_{j in H_i} w_ij max(0, s_ij - s_ii + margin), where H_i are the at most `hard_negatives` best columns
// that are no yes of document i, and w_i a softmax of s / violator_temperature over those of H_i that violate the margin, detached.
// documents, labels: [B, dim], unit rows, float32 or float64; is_yes: bool [B, B], entry (i, j) set where column j's label is a yes of document i (the diagonal always counts as set).
// Returns a scalar; 0 (with zero gradients) where nothing violates. Differentiable in both.
LMTX_API at::Tensor triplet_loss(const at::Tensor& documents, const at::Tensor& labels, const at::Tensor& is_yes, const TripletLossOptions& options = {});

}  // namespace lmtx
