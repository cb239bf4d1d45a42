// What verdicts say about labels, without training the encoder: vectors moved towards the documents that carry a label, and a bias each. Internal.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "lmtx/export.h"

namespace lmtx {

struct TrainerOptions;

// Judged pairs, one a place: all tensors have as many elements and lie on one device.
struct JudgedPairs {
  // int64 [num_pairs]: rows of the document vectors and of the label vectors. Each pair once; in any order.
  at::Tensor documents, labels;
  // [num_pairs], of the vectors' dtype: the share of yes that the verdict is worth, in [0, 1], and how much it counts, at least 0.
  at::Tensor targets, weights;

  int64_t size() const { return documents.numel(); }
};

struct LMTX_API LabelRefinementOptions {
  // How far a label with much evidence moves towards the mean of its documents (rho); 0: prototypes are off.
  double prototype_weight = 0;
  // And away from the mean of those that it was judged not to fit (gamma).
  double prototype_no_weight = 0.2;
  // Weight of judgments at which half of that is moved (k).
  double prototype_shrinkage = 3;
  // Steps that train a vector to be added to each label's; 0: none.
  int64_t residual_steps = 0;
  // Holds these vectors short: more, the fewer yeses a label has.
  double residual_penalty = 100;
  // Fit a bias to each label.
  bool bias = false;
  // Precision of the biases' prior, in judgments' terms (kappa), and the largest there is, in logits.
  double bias_precision = 5, largest_bias = 2;
  // Logits a unit of cosine (alpha).
  double scale = 20;

  static LabelRefinementOptions of(const TrainerOptions& options);
  // Whether anything is to be done at all.
  bool any() const { return prototype_weight != 0 || residual_steps != 0 || bias; }
};

struct RefinedLabels {
  // As the label vectors that came, [num_labels, dim]: rows of labels without a judged pair are these, bit for bit; others have unit length.
  at::Tensor vectors;
  // [num_labels]: to be added to a label's cosines (LabelIndex::with_bias); 0 for labels without a judged pair.
  at::Tensor biases;
};

// The steps that `options` name, one after the other: prototypes, residuals, biases. `documents` [num_documents, dim] (all that there are, also those without a
// verdict: their mean is what vectors have in common) and `labels` [num_labels, dim] are unit rows, float32 or float64, on the device of the pairs; on a card
// all is computed there. The same bits for pairs in any order, and on the CPU for any number of threads.
// Throws std::invalid_argument naming the argument for shapes, dtypes and numbers that do not fit.
LMTX_API RefinedLabels refine_labels(const at::Tensor& documents, const at::Tensor& labels, const JudgedPairs& judged, const LabelRefinementOptions& options);

// --- the steps ---

// Judged pairs by rising label and document, with the labels they belong to: what every step goes over. An immutable value.
class LMTX_API LabelEvidence {
 public:
  // Arguments as above, which this checks.
  LabelEvidence(const at::Tensor& documents, const at::Tensor& labels, const JudgedPairs& judged);

  // int64 [num_judged]: the labels that have a pair, rising. Matrices and vectors below have a row or element for each of them.
  const at::Tensor& labels() const { return labels_; }
  const JudgedPairs& pairs() const { return pairs_; }
  // [num_documents, dim]
  const at::Tensor& documents() const { return documents_; }

  // Of each label, the sum over its pairs of `factors` [num_pairs] times their documents in `vectors` [num_documents, dim]; [num_judged, dim].
  at::Tensor sum_vectors(const at::Tensor& vectors, const at::Tensor& factors) const;
  // Of each label, the sum of `values` [num_pairs] over its pairs; [num_judged].
  at::Tensor sum(const at::Tensor& values) const;
  // [num_pairs]: the cosine of each pair where its label has its row of `rows` [num_judged, dim].
  at::Tensor scores(const at::Tensor& rows) const;
  // [num_pairs]: of each pair the element of its label.
  at::Tensor of_labels(const at::Tensor& values) const;

 private:
  at::Tensor documents_, labels_, places_, offsets_;
  JudgedPairs pairs_;
};

// Shrunken prototypes: z' = unit(z + rho n+ / (n+ + k) unit(m+) - gamma n- / (n- + k) unit(m-)). m+ and m- are the sums of w q and of w (1 - q) times x - mean
// x over the label's judged documents, n+ and n- the sums of these weights. After Rocchio (1971); the blend by evidence as in SS-Text (arXiv 2506.17500).
// `rows`: [num_judged, dim], the labels' unit vectors; returns new ones.
LMTX_API at::Tensor move_to_prototypes(const LabelEvidence& evidence, const at::Tensor& rows, const LabelRefinementOptions& options);

// The offset beta for which the mean of sigmoid(scale * scores + beta) is that of the targets, both weighted; a scalar tensor. 0 where no pair counts.
LMTX_API at::Tensor fit_offset(const at::Tensor& scores, const at::Tensor& targets, const at::Tensor& weights, double scale);

// The sum over labels of sum_J w BCE(sigmoid(scale x . z' + beta), q) + penalty |v|^2 / (1 + n+), where z' = unit(z + v), and its gradient in v.
struct ResidualLoss {
  // Scalar, and [num_judged, dim].
  at::Tensor loss, gradient;
};
LMTX_API ResidualLoss residual_loss(const LabelEvidence& evidence, const at::Tensor& rows, const at::Tensor& residuals, const at::Tensor& offset,
                                    const LabelRefinementOptions& options);
// unit(z + v), v trained from 0 on that loss by `residual_steps` accelerated gradient steps (Nesterov 1983), each label's as long as its curvature allows.
LMTX_API at::Tensor train_residuals(const LabelEvidence& evidence, const at::Tensor& rows, const LabelRefinementOptions& options);

// b [num_judged], in cosine: three Newton steps from 0 on sum_J w BCE(sigmoid(scale (s + b) + beta), q) + (kappa / 2) (scale b)^2, cut at `largest_bias` /
// scale.
LMTX_API at::Tensor fit_biases(const LabelEvidence& evidence, const at::Tensor& rows, const LabelRefinementOptions& options);

}  // namespace lmtx
