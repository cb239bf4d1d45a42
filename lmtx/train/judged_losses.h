// Losses on all that is judged of a batch, yes and no. Internal.
//
// Notation: s, the cosines of B documents (rows) and C labels (columns); of a judged pair q the target, w the weight; P positives, N judged noes, F the far
// pairs, that is those that are neither judged nor near. Each takes s [B, C], float32 or float64, on the batch's device, and returns a scalar, 0 where nothing
// applies, that is differentiable in s, once. Nothing waits for a card.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>

#include "lmtx/export.h"
#include "lmtx/train/batch_loss.h"
#include "lmtx/train/judged_batch.h"
#include "lmtx/train/losses.h"
#include "lmtx/train/options.h"

namespace lmtx {

// -log(e^(s_p / tau) / (e^(s_p / tau) + Z)) for each positive p, Z = sum of (1 - q_n) e^(s_n / tau) over its row's noes and far pairs (q = 0 there), never over
// other positives or near pairs. Averaged over the positives of a row by weight, then over the rows that have one. After DEXML (arXiv 2310.10636, decoupled
// softmax).
LMTX_API at::Tensor decoupled_loss(const at::Tensor& similarity, const JudgedBatch& batch, double temperature);
// The same within columns: which document a label belongs to.
LMTX_API at::Tensor decoupled_column_loss(const at::Tensor& similarity, const JudgedBatch& batch, double temperature);

// The same where every judged label is a positive by q and a negative by 1 - q: the sum over the judged of q w (-log(e^(s / tau) / (e^(s / tau) + Z))) / the
// sum of q w, Z over the row's other judged labels and its far pairs. Needs no cut between yes and no. Ours.
LMTX_API at::Tensor soft_decoupled_loss(const at::Tensor& similarity, const JudgedBatch& batch, double temperature);
LMTX_API at::Tensor soft_decoupled_column_loss(const at::Tensor& similarity, const JudgedBatch& batch, double temperature);

// sum of T log(T / S) over each row's list, T its targets, S = softmax(s / tau) over it, averaged over rows by their shares (JudgedBatch). After the
// distillation of rankings in arXiv 2505.19274.
LMTX_API at::Tensor listwise_loss(const at::Tensor& similarity, const JudgedBatch& batch, double temperature);

// The mean of (s_p - s_n - scale (q_p - q_n))^2 over the pairs of a positive p and another judged label n of the same document, by w_p w_n; then the mean over
// the documents that have both. After Margin-MSE (arXiv 2010.02666).
LMTX_API at::Tensor margin_mse_loss(const at::Tensor& similarity, const JudgedBatch& batch, double scale);

// sum over the judged of w BCE(sigmoid(scale s + offset), q) / sum of w, plus far_weight times the mean of BCE(sigmoid(scale s + offset), 0) over the far
// pairs. After BiXSE (arXiv 2508.06781). offset: a scalar, without gradient.
LMTX_API at::Tensor soft_bce_loss(const at::Tensor& similarity, const JudgedBatch& batch, double scale, const at::Tensor& offset, double far_weight);
// The offset with which that is least, so that its own gradient is none: the weighted mean of sigmoid(scale s + offset) over the judged, and far_weight times
// the mean over far pairs, come to the weighted mean of q. Between -(scale + 20) and scale + 20; detached.
LMTX_API at::Tensor bce_offset(const at::Tensor& similarity, const JudgedBatch& batch, double scale, double far_weight);

// The triplet loss of each positive against the `hard_negatives` best of its row's noes and far pairs, weighted as in triplet_loss(); means as in
// decoupled_loss().
LMTX_API at::Tensor judged_triplet_loss(const at::Tensor& similarity, const JudgedBatch& batch, const TripletLossOptions& options);

// One of them, with others beside it. Fields are as in TrainerOptions.
struct JudgedLossOptions {
  std::string loss = "decoupled";
  double temperature = 0.05;
  double decoupled_weight = 0;
  double column_weight = 0;
  double bce_weight = 0;
  double bce_scale = 20;
  double far_weight = 0.2;
  double margin_scale = 0.4;
  TripletLossOptions triplet = {};

  static JudgedLossOptions of(const TrainerOptions& options);
};

// left: documents, right: labels. With "soft_decoupled" the loss of columns is soft, too. A loss that is the main one already is not added a second time.
class LMTX_API JudgedLoss final : public BatchLoss {
 public:
  JudgedLoss(JudgedBatch batch, JudgedLossOptions options);

  at::Tensor loss(const at::Tensor& left, const at::Tensor& right) const override;
  std::shared_ptr<const BatchLoss> to(at::Device device) const override;
  std::shared_ptr<const BatchLoss> pinned() const override;

 private:
  at::Tensor main_loss(const at::Tensor& similarity) const;
  at::Tensor column_loss(const at::Tensor& similarity) const;
  at::Tensor bce(const at::Tensor& similarity) const;

  JudgedBatch batch_;
  JudgedLossOptions options_;
};

}  // namespace lmtx
