// Metrics of extreme multi-label classification over sparse matrices, as pyxclib computes them
// (github.com/kunaldahiya/pyxclib, xclib/evaluation/xc_metrics.py). Fractions, not per cent. More in docs/evaluation.md.
#pragma once

#include <Eigen/SparseCore>
#include <cstdint>
#include <span>
#include <stop_token>
#include <utility>
#include <vector>

#include "lmtx/export.h"

namespace lmtx {

// [num_documents, num_labels]; float64 values. As targets, every stored value but 0 marks a true label.
using SparseMatrix = Eigen::SparseMatrix<double, Eigen::RowMajor, int64_t>;

// The k best labels of each document, best first: [num_documents][at most k] label numbers, each at most once.
using RankedLabels = std::vector<std::vector<int64_t>>;

// A matrix with 1 where targets[i] lists the column. Throws std::out_of_range for a label number outside [0, num_labels).
LMTX_API SparseMatrix target_matrix(std::span<const std::vector<int64_t>> targets, int64_t num_labels);

// The k best columns of each row by stored value, best first; equal values by the smaller column. Only stored entries count.
// Throws std::invalid_argument for k < 1 or a value that is NaN.
LMTX_API RankedLabels rank(const SparseMatrix& scores, int64_t k);

// Per-document values: what the intervals are made of. Entry [i] belongs to document i.
//   precision@k: true labels among the first k, divided by k (also where fewer were ranked).
//   recall@k:    true labels among the first k, divided by the document's true labels; 0 for a document without any.
//   nDCG@k:      gain 1 / log2(rank + 1), divided by the gain of the best attainable order of min(k, true labels); 0 for a document without any.
// All throw std::invalid_argument for k < 1, another number of documents, or a label ranked twice, and std::out_of_range for a label number outside
// [0, num_labels) (-1, which searches put after the last match, included: leave it out); a stop request ends them with lmtx::Stopped.
LMTX_API std::vector<double> precision_per_document(const SparseMatrix& targets, const RankedLabels& ranked, int64_t k, const std::stop_token& stop = {});
LMTX_API std::vector<double> recall_per_document(const SparseMatrix& targets, const RankedLabels& ranked, int64_t k, const std::stop_token& stop = {});
LMTX_API std::vector<double> ndcg_per_document(const SparseMatrix& targets, const RankedLabels& ranked, int64_t k, const std::stop_token& stop = {});

// Means over all documents for k = 1..max_k: entry [k - 1]. Documents without true labels are in the mean, with 0, as in pyxclib (unless it is
// told `remove_invalid`). All zero for no documents.
LMTX_API std::vector<double> precision(const SparseMatrix& targets, const RankedLabels& ranked, int64_t max_k, const std::stop_token& stop = {});
LMTX_API std::vector<double> recall(const SparseMatrix& targets, const RankedLabels& ranked, int64_t max_k, const std::stop_token& stop = {});
LMTX_API std::vector<double> ndcg(const SparseMatrix& targets, const RankedLabels& ranked, int64_t max_k, const std::stop_token& stop = {});

// Propensity-scored metrics count a hit with the weight of its label (its inverse propensity) and divide by the best attainable: what a ranking gets that
// puts the true labels of each document first, the heaviest at the front. They are the sum of `found` over the sum of `best`.
struct ScoredGains {
  // Per document: the metric with weighted hits, of the ranking and of the best one.
  std::vector<double> found;
  std::vector<double> best;
};

// `weights` [num_labels], above 0. Everything else as above; std::invalid_argument also for weights of another number or not above 0.
LMTX_API ScoredGains psprecision_per_document(const SparseMatrix& targets, const RankedLabels& ranked, std::span<const double> weights, int64_t k,
                                              const std::stop_token& stop = {});
LMTX_API ScoredGains psrecall_per_document(const SparseMatrix& targets, const RankedLabels& ranked, std::span<const double> weights, int64_t k,
                                           const std::stop_token& stop = {});
LMTX_API ScoredGains psndcg_per_document(const SparseMatrix& targets, const RankedLabels& ranked, std::span<const double> weights, int64_t k,
                                         const std::stop_token& stop = {});

// For k = 1..max_k: entry [k - 1]. Zero where no document has a true label.
LMTX_API std::vector<double> psprecision(const SparseMatrix& targets, const RankedLabels& ranked, std::span<const double> weights, int64_t max_k,
                                         const std::stop_token& stop = {});
LMTX_API std::vector<double> psrecall(const SparseMatrix& targets, const RankedLabels& ranked, std::span<const double> weights, int64_t max_k,
                                      const std::stop_token& stop = {});
LMTX_API std::vector<double> psndcg(const SparseMatrix& targets, const RankedLabels& ranked, std::span<const double> weights, int64_t max_k,
                                    const std::stop_token& stop = {});

}  // namespace lmtx
