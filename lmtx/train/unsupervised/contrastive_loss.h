// Cross-entropy of each left text over some of the right ones. Internal.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "lmtx/export.h"
#include "lmtx/train/batch_loss.h"

namespace lmtx {

// A softmax of B left texts over n right ones.
struct ContrastTerm {
  // Its columns are the right texts [first, first + n).
  int64_t first = 0;
  double weight = 1;
  // float32 [B, n]: what share of a left text's loss each column has as positive; rows add up to 1.
  at::Tensor targets;
  // bool [B, n]: columns that the softmax of a left text leaves out; none that is a positive.
  at::Tensor left_out;
};

// Sum over terms of weight * mean_i sum_j targets_ij (lse_k s_ik - s_ij), where s = left right^T / temperature and lse goes over the columns that are not left
// out.
class LMTX_API ContrastiveLoss final : public BatchLoss {
 public:
  ContrastiveLoss(std::vector<ContrastTerm> terms, double temperature);

  at::Tensor loss(const at::Tensor& left, const at::Tensor& right) const override;
  std::shared_ptr<const BatchLoss> to(at::Device device) const override;
  std::shared_ptr<const BatchLoss> pinned() const override;

 private:
  std::vector<ContrastTerm> terms_;
  double temperature_;
};

// What tells the rows of a batch that must not be each other's negatives: those that have the same owner, or a text in common.
struct ContrastRow {
  // A document's number, or -1 - the label's for a row of a label alone.
  int64_t owner = 0;
  // Keys of the left and the right text; equal for equal texts.
  uint64_t left = 0, right = 0;

  bool is_like(const ContrastRow& other) const {
    return owner == other.owner || left == other.left || right == other.right || left == other.right || right == other.left;
  }
};

// The key of a text by its tokens.
LMTX_API uint64_t text_key(const std::vector<int32_t>& tokens);

// Row i against column i, with the rows like it left out where `mask_duplicates`: plain in-batch softmax else.
LMTX_API ContrastTerm in_batch_term(const std::vector<ContrastRow>& rows, bool mask_duplicates);

// MACLR's loss L_c + w L_r (Xiong et al., NAACL 2022) of B documents, whose right texts are B titles, B second views of the documents, and R labels, in this
// order: positives of a row are the rows of its cluster, itself included, evenly; of L_c their titles among all titles, of L_r their second views among all of
// them and the labels.
struct ClusteredRows {
  // Left keys are of documents, right ones of titles.
  std::vector<ContrastRow> rows;
  // The cluster of each row; empty: each is its own.
  std::vector<int64_t> clusters;
  // Keys of the labels.
  std::vector<uint64_t> labels;
};
LMTX_API std::vector<ContrastTerm> clustered_terms(const ClusteredRows& batch, double regularization, bool mask_duplicates);

}  // namespace lmtx
