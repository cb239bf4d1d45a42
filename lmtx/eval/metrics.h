// Metrics of extreme multi-label classification over sparse matrices, as pyxclib computes them
// (github.com/kunaldahiya/pyxclib, xclib/evaluation/xc_metrics.py). Fractions, not per cent.
#pragma once

#include <Eigen/SparseCore>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "lmtx/export.h"

namespace lmtx {

// [num_documents, num_labels]; float64 values.
using SparseMatrix = Eigen::SparseMatrix<double, Eigen::RowMajor, int64_t>;

// The k best labels of each document, best first: [num_documents][at most k] label numbers.
using RankedLabels = std::vector<std::vector<int64_t>>;

// A matrix with 1 where targets[i] lists the column.
LMTX_API SparseMatrix target_matrix(std::span<const std::vector<int64_t>> targets, int64_t num_labels);

// The k best columns of each row by stored value, best first; equal values by the smaller column. Only stored entries count.
LMTX_API RankedLabels rank(const SparseMatrix& scores, int64_t k);

// Per-document values: what the intervals are made of. Entry [i] belongs to document i.
//   precision@k: true labels among the first k, divided by k (also where fewer were ranked).
//   recall@k:    true labels among the first k, divided by the document's true labels; 0 for a document without any.
//   nDCG@k:      gain 1 / log2(rank + 1), divided by the gain of the best attainable order of min(k, true labels); 0 for a document without any.
// All throw std::invalid_argument for k < 1 or another number of documents.
LMTX_API std::vector<double> precision_per_document(const SparseMatrix& targets, const RankedLabels& ranked, int64_t k);
LMTX_API std::vector<double> recall_per_document(const SparseMatrix& targets, const RankedLabels& ranked, int64_t k);
LMTX_API std::vector<double> ndcg_per_document(const SparseMatrix& targets, const RankedLabels& ranked, int64_t k);

// Means over documents for k = 1..max_k: entry [k - 1]. Documents without true labels count as pyxclib counts them.
LMTX_API std::vector<double> precision(const SparseMatrix& targets, const RankedLabels& ranked, int64_t max_k);
LMTX_API std::vector<double> recall(const SparseMatrix& targets, const RankedLabels& ranked, int64_t max_k);
LMTX_API std::vector<double> ndcg(const SparseMatrix& targets, const RankedLabels& ranked, int64_t max_k);

}  // namespace lmtx
