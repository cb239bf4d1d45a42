#include "lmtx/train/label_refinement.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_embedding_bag_forward_only.h>
#include <ATen/ops/_unique2.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/argsort.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/softplus.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <c10/util/StringUtil.h>

#include <stdexcept>
#include <string>

#include "lmtx/train/options.h"

namespace lmtx {

namespace {

// Pairs whose vectors are gathered at once.
constexpr int64_t block_size = 16384;

constexpr int64_t newton_steps = 3, bisections = 50;

[[noreturn]] void refuse(const char* name, const std::string& expected, const std::string& came) {
  throw std::invalid_argument("`" + std::string(name) + "` must " + expected + ", but " + came + " instead.");
}

void check_rows(const char* name, const at::Tensor& rows) {
  if (rows.dim() != 2) refuse(name, "have two dimensions", "has " + std::to_string(rows.dim()));
  if (rows.scalar_type() != at::kFloat && rows.scalar_type() != at::kDouble)
    refuse(name, "be float32 or float64", std::string("is ") + c10::toString(rows.scalar_type()));
}

void check_like(const char* name, const at::Tensor& tensor, const at::Tensor& model) {
  if (tensor.scalar_type() != model.scalar_type()) {
    refuse(name, std::string("be ") + c10::toString(model.scalar_type()) + " as the documents' vectors",
           std::string("is ") + c10::toString(tensor.scalar_type()));
  }
  if (tensor.device() != model.device()) refuse(name, "lie on " + model.device().str() + " as the documents' vectors", "lies on " + tensor.device().str());
}

void check_pairs(const char* name, const at::Tensor& tensor, int64_t pairs) {
  if (tensor.dim() != 1 || tensor.numel() != pairs) refuse(name, "have shape [" + std::to_string(pairs) + "]", "has shape " + c10::str(tensor.sizes()));
}

// Also for none.
void check_between(const char* name, const at::Tensor& values, double low, double high) {
  if (values.numel() == 0) return;
  const double smallest = values.min().item<double>(), largest = values.max().item<double>();
  if (!(smallest >= low && largest <= high)) {
    refuse(name, "lie in [" + c10::str(low) + ", " + c10::str(high) + "]", "goes from " + c10::str(smallest) + " to " + c10::str(largest));
  }
}

void check_arguments(const at::Tensor& documents, const at::Tensor& labels, const JudgedPairs& judged) {
  check_rows("documents", documents);
  check_rows("labels", labels);
  check_like("labels", labels, documents);
  if (labels.size(1) != documents.size(1)) {
    refuse("labels", "have " + std::to_string(documents.size(1)) + " columns as the documents' vectors", "has " + std::to_string(labels.size(1)));
  }
  for (const at::Tensor* numbers : {&judged.documents, &judged.labels}) {
    if (numbers->scalar_type() != at::kLong)
      refuse("judged", "have document and label numbers of int64", std::string("has ") + c10::toString(numbers->scalar_type()));
  }
  check_pairs("judged.documents", judged.documents, judged.size());
  check_pairs("judged.labels", judged.labels, judged.size());
  check_pairs("judged.targets", judged.targets, judged.size());
  check_pairs("judged.weights", judged.weights, judged.size());
  check_like("judged.targets", judged.targets, documents);
  check_like("judged.weights", judged.weights, documents);
  check_between("judged.documents", judged.documents, 0, static_cast<double>(documents.size(0) - 1));
  check_between("judged.labels", judged.labels, 0, static_cast<double>(labels.size(0) - 1));
  check_between("judged.targets", judged.targets, 0, 1);
  check_between("judged.weights", judged.weights, 0, 1e30);
}

// Of each bag the sum of its rows of `matrix`, in the order of `rows`: of one thread each, so that a card's sums have an order, too.
at::Tensor sum_bags(const at::Tensor& matrix, const at::Tensor& rows, const at::Tensor& offsets, const at::Tensor& factors) {
  return std::get<0>(at::_embedding_bag_forward_only(matrix, rows, offsets, /*scale_grad_by_freq=*/false, /*mode=*/0, /*sparse=*/false, factors));
}

at::Tensor norms(const at::Tensor& rows) { return rows.norm(2, {1}, /*keepdim=*/true); }

// Rows of unit length; rows of zeros stay.
at::Tensor unit(const at::Tensor& rows) { return rows / norms(rows).clamp_min(1e-12); }

// n / (n + k), 0 for no evidence at all.
at::Tensor shrinkage(const at::Tensor& evidence, double k) { return at::where(evidence > 0, evidence / (evidence + k), 0.0).unsqueeze(1); }

// BCE(sigmoid(logit), q), also where the sigmoid is 0 or 1 in floating point.
at::Tensor cross_entropy(const at::Tensor& logits, const at::Tensor& targets) { return at::softplus(logits) - targets * logits; }

// How strongly each label's residual is held.
at::Tensor penalties(const LabelEvidence& evidence, double penalty) {
  return penalty / (1 + evidence.sum(evidence.pairs().weights * evidence.pairs().targets));
}

}  // namespace

LabelRefinementOptions LabelRefinementOptions::of(const TrainerOptions& options) {
  return {.prototype_weight = options.prototype_weight,
          .prototype_no_weight = options.prototype_no_weight,
          .prototype_shrinkage = options.prototype_shrinkage,
          .residual_steps = options.label_residuals,
          .residual_penalty = options.residual_penalty,
          .bias = options.label_bias};
}

// --- evidence ---

LabelEvidence::LabelEvidence(const at::Tensor& documents, const at::Tensor& labels, const JudgedPairs& judged) {
  check_arguments(documents, labels, judged);
  const at::NoGradGuard no_grad;
  documents_ = documents.detach().contiguous();
  const at::Tensor order = at::argsort(judged.labels * documents.size(0) + judged.documents, /*stable=*/true, 0, /*descending=*/false);
  pairs_ = {.documents = judged.documents.index_select(0, order),
            .labels = judged.labels.index_select(0, order),
            .targets = judged.targets.detach().index_select(0, order),
            .weights = judged.weights.detach().index_select(0, order)};
  const auto [distinct, places, counts] = at::_unique2(pairs_.labels, /*sorted=*/true, /*return_inverse=*/true, /*return_counts=*/true);
  labels_ = distinct;
  places_ = places;
  offsets_ = counts.cumsum(0) - counts;
}

at::Tensor LabelEvidence::sum_vectors(const at::Tensor& vectors, const at::Tensor& factors) const {
  return sum_bags(vectors, pairs_.documents, offsets_, factors.contiguous());
}

at::Tensor LabelEvidence::sum(const at::Tensor& values) const {
  const at::Tensor all = at::arange(pairs_.size(), pairs_.documents.options());
  return sum_bags(values.unsqueeze(1).contiguous(), all, offsets_, at::full({pairs_.size()}, 1, values.options())).squeeze(1);
}

at::Tensor LabelEvidence::scores(const at::Tensor& rows) const {
  std::vector<at::Tensor> parts{at::empty({0}, rows.options())};
  for (int64_t begin = 0; begin < pairs_.size(); begin += block_size) {
    const int64_t size = std::min(block_size, pairs_.size() - begin);
    const at::Tensor documents = documents_.index_select(0, pairs_.documents.narrow(0, begin, size));
    parts.push_back((documents * rows.index_select(0, places_.narrow(0, begin, size))).sum(1));
  }
  return at::cat(parts);
}

at::Tensor LabelEvidence::of_labels(const at::Tensor& values) const { return values.index_select(0, places_); }

// --- prototypes ---

at::Tensor move_to_prototypes(const LabelEvidence& evidence, const at::Tensor& rows, const LabelRefinementOptions& options) {
  const JudgedPairs& pairs = evidence.pairs();
  // Without what all documents have in common, which would pull every label the same way.
  const at::Tensor centred = evidence.documents() - evidence.documents().mean(0, /*keepdim=*/true);
  const at::Tensor yes = pairs.weights * pairs.targets, no = pairs.weights * (1 - pairs.targets);
  const at::Tensor towards = shrinkage(evidence.sum(yes), options.prototype_shrinkage) * unit(evidence.sum_vectors(centred, yes));
  const at::Tensor away = shrinkage(evidence.sum(no), options.prototype_shrinkage) * unit(evidence.sum_vectors(centred, no));
  return unit(rows + options.prototype_weight * towards - options.prototype_no_weight * away);
}

// --- residuals ---

at::Tensor fit_offset(const at::Tensor& scores, const at::Tensor& targets, const at::Tensor& weights, double scale) {
  const at::Tensor logits = scale * scores.to(at::kDouble), w = weights.to(at::kDouble), wanted = (w * targets.to(at::kDouble)).sum();
  // Nothing can lie further out: scores are cosines.
  at::Tensor low = at::full({}, -scale - 20, logits.options()), high = at::full({}, scale + 20, logits.options());
  for (int64_t i = 0; i < bisections; ++i) {
    const at::Tensor middle = (low + high) / 2;
    const at::Tensor too_much = (w * (logits + middle).sigmoid()).sum() > wanted;
    low = at::where(too_much, low, middle);
    high = at::where(too_much, middle, high);
  }
  return at::where(w.sum() > 0, (low + high) / 2, 0.0).to(scores.scalar_type());
}

ResidualLoss residual_loss(const LabelEvidence& evidence, const at::Tensor& rows, const at::Tensor& residuals, const at::Tensor& offset,
                           const LabelRefinementOptions& options) {
  const JudgedPairs& pairs = evidence.pairs();
  const at::Tensor sums = rows + residuals, lengths = norms(sums).clamp_min(1e-12), moved = sums / lengths;
  const at::Tensor logits = options.scale * evidence.scores(moved) + offset;
  const at::Tensor held = penalties(evidence, options.residual_penalty).unsqueeze(1);
  const at::Tensor loss = (pairs.weights * cross_entropy(logits, pairs.targets)).sum() + (held * residuals * residuals).sum();
  const at::Tensor of_moved = evidence.sum_vectors(evidence.documents(), options.scale * pairs.weights * (logits.sigmoid() - pairs.targets));
  // Back through the scaling to unit length: what points along the vector changes nothing.
  const at::Tensor across = of_moved - moved * (of_moved * moved).sum(1, /*keepdim=*/true);
  return {.loss = loss, .gradient = across / lengths + 2 * held * residuals};
}

at::Tensor train_residuals(const LabelEvidence& evidence, const at::Tensor& rows, const LabelRefinementOptions& options) {
  const JudgedPairs& pairs = evidence.pairs();
  const at::Tensor offset = fit_offset(evidence.scores(rows), pairs.targets, pairs.weights, options.scale);
  // No label's loss is curved more: a sigmoid's slope is at most 1/4, and unit length bends by the gradient's size.
  const at::Tensor curvature = options.scale * (options.scale / 4 + 1) * evidence.sum(pairs.weights) + 2 * penalties(evidence, options.residual_penalty);
  const at::Tensor rate = (1 / curvature.clamp_min(1e-6)).unsqueeze(1);
  at::Tensor residuals = at::zeros_like(rows), ahead = residuals;
  for (int64_t step = 0; step < options.residual_steps; ++step) {
    const at::Tensor next = ahead - rate * residual_loss(evidence, rows, ahead, offset, options).gradient;
    ahead = next + (static_cast<double>(step) / static_cast<double>(step + 3)) * (next - residuals);
    residuals = next;
  }
  return unit(rows + residuals);
}

// --- biases ---

at::Tensor fit_biases(const LabelEvidence& evidence, const at::Tensor& rows, const LabelRefinementOptions& options) {
  const JudgedPairs& pairs = evidence.pairs();
  const at::Tensor scores = evidence.scores(rows);
  const at::Tensor logits = options.scale * scores + fit_offset(scores, pairs.targets, pairs.weights, options.scale);
  at::Tensor biases = at::zeros({rows.size(0)}, rows.options());
  for (int64_t step = 0; step < newton_steps; ++step) {
    const at::Tensor predicted = (logits + evidence.of_labels(biases)).sigmoid();
    const at::Tensor slope = evidence.sum(pairs.weights * (predicted - pairs.targets)) + options.bias_precision * biases;
    const at::Tensor curvature = evidence.sum(pairs.weights * predicted * (1 - predicted)) + options.bias_precision;
    biases = (biases - slope / curvature).clamp(-options.largest_bias, options.largest_bias);
  }
  return biases / options.scale;
}

// --- all ---

RefinedLabels refine_labels(const at::Tensor& documents, const at::Tensor& labels, const JudgedPairs& judged, const LabelRefinementOptions& options) {
  const LabelEvidence evidence(documents, labels, judged);
  const at::NoGradGuard no_grad;
  RefinedLabels refined{.vectors = labels.detach().clone(), .biases = at::zeros({labels.size(0)}, labels.options())};
  if (judged.size() == 0 || !options.any()) return refined;
  at::Tensor rows = refined.vectors.index_select(0, evidence.labels());
  if (options.prototype_weight != 0) rows = move_to_prototypes(evidence, rows, options);
  if (options.residual_steps != 0) rows = train_residuals(evidence, rows, options);
  refined.vectors.index_copy_(0, evidence.labels(), rows);
  if (options.bias) refined.biases.index_copy_(0, evidence.labels(), fit_biases(evidence, rows, options));
  return refined;
}

}  // namespace lmtx
