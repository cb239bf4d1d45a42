// What is known of a batch's documents and labels, as the losses on all judgments take it. Internal.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "lmtx/export.h"
#include "lmtx/train/judged_document.h"

namespace lmtx {

struct JudgedEntry {
  int64_t column = 0;
  double target = 0;
  double weight = 1;
  PairUse use = PairUse::soft;
};

// A document of a batch.
struct JudgedRow {
  // By rising column.
  std::vector<JudgedEntry> judged;
  // Columns that are not judged and may well fit, rising: they are neither positives nor negatives.
  std::vector<int64_t> near = {};
  // Columns that are neither judged nor near, rising, which its list takes as noes beside what is judged.
  std::vector<int64_t> listed = {};
};

// B rows, the documents, and C columns, the labels. Place r C + c is the pair of row r and column c; each list of places rises and has each place once. Numbers
// are float32, places int64, all on one device.
struct LMTX_API JudgedBatch {
  static JudgedBatch of(const std::vector<JudgedRow>& rows, int64_t num_columns);

  int64_t num_rows = 0;
  int64_t num_columns = 0;
  // [J]: the judged pairs.
  at::Tensor judged, targets, weights;
  // [J]: the weights of those that are positives, 0 for the others.
  at::Tensor positive_weights;
  // [P]: the positives, and the share of each in a mean over rows of means over their positives, and in one over columns; each sums to 1.
  at::Tensor positives, row_shares, column_shares;
  // [N]: judged noes, and the probability that they are.
  at::Tensor negatives, no_probabilities;
  // [U]: near pairs that are not judged.
  at::Tensor near;
  // [L]: each row's list, judged pairs and listed ones, and a distribution over it that orders it as the targets do: softmax(logit(q) / tau), tau such that
  // over the judged its perplexity is the expected number of true labels, the sum of q (1 at least); what is listed has the lowest q of the row. Then the share
  // of the row in a mean over rows, each as important as a true label in it is probable (min(1, sum of q)).
  at::Tensor listed, list_targets, list_shares;

  JudgedBatch to(at::Device device) const;
  JudgedBatch pinned() const;
};

}  // namespace lmtx
