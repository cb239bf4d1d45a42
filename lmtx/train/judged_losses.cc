#include "lmtx/train/judged_losses.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/full.h>
#include <ATen/ops/gather.h>
#include <ATen/ops/log_sigmoid.h>
#include <ATen/ops/logaddexp.h>
#include <ATen/ops/logsumexp.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/sort.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace lmtx {

namespace {

// Stands for the logarithm of 0: its differences are finite.
constexpr double nothing = -1e30;

at::Tensor at_places(const at::Tensor& matrix, const at::Tensor& places) { return matrix.reshape({-1}).index_select(0, places); }

at::Tensor rows_of(const at::Tensor& places, const JudgedBatch& batch) { return places.div(batch.num_columns, "floor"); }

at::Tensor columns_of(const at::Tensor& places, const JudgedBatch& batch) { return places.remainder(batch.num_columns); }

// [B, C]: `numbers` at `places`, `other` elsewhere.
at::Tensor spread(const at::Tensor& similarity, const at::Tensor& places, const at::Tensor& numbers, double other) {
  const at::Tensor matrix = at::full({similarity.numel()}, other, similarity.options().requires_grad(false));
  return matrix.scatter(0, places, numbers.to(similarity.scalar_type())).view(similarity.sizes());
}

// [B, C]: 1 for far pairs, else 0.
at::Tensor far_pairs(const at::Tensor& similarity, const JudgedBatch& batch) {
  at::Tensor far = at::full({similarity.numel()}, 1, similarity.options().requires_grad(false));
  return far.scatter_(0, batch.judged, 0).scatter_(0, batch.near, 0).view(similarity.sizes());
}

// [B, C]: how much of a negative each pair is: 1 - q for noes, 1 for far pairs, else 0.
at::Tensor negatives_of(const at::Tensor& similarity, const JudgedBatch& batch) {
  return far_pairs(similarity, batch) + spread(similarity, batch.negatives, batch.no_probabilities, 0);
}

// log Z of each row (dimension 1) or column (0).
at::Tensor log_sum_of_negatives(const at::Tensor& logits, const at::Tensor& negatives, int64_t dimension) {
  const at::Tensor present = negatives > 0;
  return at::logsumexp(at::where(present, logits + at::where(present, negatives, 1.0).log(), nothing), dimension);
}

at::Tensor decoupled(const at::Tensor& similarity, const JudgedBatch& batch, double temperature, int64_t dimension, const at::Tensor& shares) {
  const at::Tensor logits = similarity / temperature;
  const at::Tensor sums = log_sum_of_negatives(logits, negatives_of(similarity, batch), dimension);
  const at::Tensor groups = dimension == 1 ? rows_of(batch.positives, batch) : columns_of(batch.positives, batch);
  const at::Tensor losses = -at::log_sigmoid(at_places(logits, batch.positives) - sums.index_select(0, groups));
  return (shares.to(losses.scalar_type()) * losses).sum();
}

// With Z over all of the row, a label's own part goes out of it: e^s + Z - (1 - q) e^s = Z + q e^s.
at::Tensor soft_decoupled(const at::Tensor& similarity, const JudgedBatch& batch, double temperature, int64_t dimension) {
  const at::Tensor logits = similarity / temperature, targets = batch.targets.to(similarity.scalar_type());
  const at::Tensor negatives = far_pairs(similarity, batch) + spread(similarity, batch.judged, 1 - targets, 0);
  const at::Tensor groups = dimension == 1 ? rows_of(batch.judged, batch) : columns_of(batch.judged, batch);
  const at::Tensor sums = log_sum_of_negatives(logits, negatives, dimension).index_select(0, groups), own = at_places(logits, batch.judged);
  const at::Tensor losses = at::logaddexp(sums, own + at::where(targets > 0, targets, 1.0).log()) - own;
  const at::Tensor shares = targets * batch.weights;
  return (shares * losses).sum() / shares.sum().clamp_min(1e-12);
}

// Means and variances [B] over each row's entries, by weights [B, C] of which a row may have none.
struct RowMoments {
  at::Tensor weight, mean, variance;

  RowMoments(const at::Tensor& numbers, const at::Tensor& weights) {
    weight = weights.sum(1);
    const at::Tensor shares = weights / at::where(weight > 0, weight, 1.0).unsqueeze(1);
    mean = (shares * numbers).sum(1);
    variance = (shares * (numbers - mean.unsqueeze(1)).square()).sum(1);
  }
};

// Of a number that depends on nothing: 1 where a sum is empty, so that it can be divided by.
at::Tensor at_least_one(const at::Tensor& count) { return count.clamp_min(1); }

void check_similarity(const at::Tensor& similarity, const JudgedBatch& batch) {
  if (similarity.dim() == 2 && similarity.size(0) == batch.num_rows && similarity.size(1) == batch.num_columns) return;
  std::ostringstream message;
  message << "The cosines must have shape [" << batch.num_rows << ", " << batch.num_columns << "], as the judged batch, but have " << similarity.sizes()
          << " instead.";
  throw std::invalid_argument(message.str());
}

}  // namespace

at::Tensor decoupled_loss(const at::Tensor& similarity, const JudgedBatch& batch, double temperature) {
  return decoupled(similarity, batch, temperature, 1, batch.row_shares);
}

at::Tensor decoupled_column_loss(const at::Tensor& similarity, const JudgedBatch& batch, double temperature) {
  return decoupled(similarity, batch, temperature, 0, batch.column_shares);
}

at::Tensor soft_decoupled_loss(const at::Tensor& similarity, const JudgedBatch& batch, double temperature) {
  return soft_decoupled(similarity, batch, temperature, 1);
}

at::Tensor soft_decoupled_column_loss(const at::Tensor& similarity, const JudgedBatch& batch, double temperature) {
  return soft_decoupled(similarity, batch, temperature, 0);
}

at::Tensor listwise_loss(const at::Tensor& similarity, const JudgedBatch& batch, double temperature) {
  const at::Tensor logits = similarity / temperature;
  const at::Tensor targets = batch.list_targets.to(logits.scalar_type()), shares = batch.list_shares.to(logits.scalar_type());
  const at::Tensor in_list = spread(logits, batch.listed, at::full(targets.sizes(), 1, targets.options()), 0) > 0;
  const at::Tensor sums = at::logsumexp(at::where(in_list, logits, nothing), 1);
  const at::Tensor log_students = at_places(logits, batch.listed) - sums.index_select(0, rows_of(batch.listed, batch));
  const at::Tensor log_targets = at::where(targets > 0, targets, 1.0).log();
  return (shares * targets * (log_targets - log_students)).sum();
}

at::Tensor margin_mse_loss(const at::Tensor& similarity, const JudgedBatch& batch, double scale) {
  // Each pair's term is the squared difference of two of these, so that means and variances say their mean.
  const at::Tensor errors = similarity - scale * spread(similarity, batch.judged, batch.targets, 0);
  const RowMoments positives(errors, spread(similarity, batch.judged, batch.positive_weights, 0));
  const RowMoments others(errors, spread(similarity, batch.judged, batch.weights - batch.positive_weights, 0));
  const at::Tensor has_both = (positives.weight > 0).logical_and(others.weight > 0).to(similarity.scalar_type());
  const at::Tensor losses = positives.variance + others.variance + (positives.mean - others.mean).square();
  return (has_both * losses).sum() / at_least_one(has_both.sum());
}

at::Tensor soft_bce_loss(const at::Tensor& similarity, const JudgedBatch& batch, double scale, const at::Tensor& offset, double far_weight) {
  const at::Tensor logits = scale * similarity + offset;
  const at::Tensor judged = at_places(logits, batch.judged);
  const at::Tensor targets = batch.targets.to(judged.scalar_type()), weights = batch.weights.to(judged.scalar_type());
  const at::Tensor losses = -(targets * at::log_sigmoid(judged) + (1 - targets) * at::log_sigmoid(-judged));
  const at::Tensor loss = (weights * losses).sum() / weights.sum();
  if (far_weight == 0) return loss;
  const at::Tensor far = far_pairs(similarity, batch);
  return loss - far_weight * (far * at::log_sigmoid(-logits)).sum() / at_least_one(far.sum());
}

// Newton's method on the loss's slope, which rises with the offset, within a bracket that halves where a step leaves it.
at::Tensor bce_offset(const at::Tensor& similarity, const JudgedBatch& batch, double scale, double far_weight) {
  const at::NoGradGuard no_grad;
  const at::Tensor logits = scale * similarity.detach(), judged = at_places(logits, batch.judged);
  const at::Tensor weights = batch.weights.to(logits.scalar_type()) / batch.weights.sum();
  const at::Tensor far = far_pairs(similarity, batch), far_shares = far * (far_weight / at_least_one(far.sum()));
  const at::Tensor wanted = (weights * batch.targets).sum();
  at::Tensor low = at::full({}, -(scale + 20), logits.options()), high = -low, offset = at::zeros({}, logits.options());
  for (int i = 0; i < 24; ++i) {
    const at::Tensor of_judged = (judged + offset).sigmoid(), of_far = (logits + offset).sigmoid();
    const at::Tensor slope = (weights * of_judged).sum() + (far_shares * of_far).sum() - wanted;
    const at::Tensor curvature = (weights * of_judged * (1 - of_judged)).sum() + (far_shares * of_far * (1 - of_far)).sum();
    low = at::where(slope < 0, offset, low);
    high = at::where(slope < 0, high, offset);
    const at::Tensor step = offset - slope / curvature.clamp_min(1e-12);
    offset = at::where((step >= low).logical_and(step <= high), step, (low + high) / 2);
  }
  return offset;
}

at::Tensor judged_triplet_loss(const at::Tensor& similarity, const JudgedBatch& batch, const TripletLossOptions& options) {
  const at::Tensor present = negatives_of(similarity, batch) > 0;
  const int64_t k = std::min(options.hard_negatives, batch.num_columns);
  // A stable sort, so that ties do not depend on the machine.
  const auto [best, order] = at::sort(at::where(present, similarity.detach(), nothing), /*stable=*/true, /*dim=*/1, /*descending=*/true);
  const at::Tensor columns = order.narrow(1, 0, k).contiguous(), rows = rows_of(batch.positives, batch);
  const at::Tensor negatives = at::gather(similarity, 1, columns).index_select(0, rows), is_negative = at::gather(present, 1, columns).index_select(0, rows);
  const at::Tensor violations = negatives - at_places(similarity, batch.positives).unsqueeze(1) + options.margin;
  const at::Tensor violates = is_negative.logical_and(violations.detach() > 0);
  const at::Tensor logits = at::where(violates, negatives.detach() / options.violator_temperature, nothing);
  const at::Tensor weights = at::where(violates, logits.softmax(1), 0.0);
  return (batch.row_shares.to(similarity.scalar_type()) * (weights * violations).sum(1)).sum();
}

JudgedLossOptions JudgedLossOptions::of(const TrainerOptions& options) {
  return {.loss = options.loss,
          .temperature = options.temperature,
          .decoupled_weight = options.decoupled_weight,
          .column_weight = options.column_weight,
          .bce_weight = options.bce_weight,
          .bce_scale = options.bce_scale,
          .far_weight = options.far_weight,
          .margin_scale = options.margin_scale,
          .triplet = {options.margin, options.hard_negatives, options.violator_temperature}};
}

JudgedLoss::JudgedLoss(JudgedBatch batch, JudgedLossOptions options) : batch_(std::move(batch)), options_(std::move(options)) {}

at::Tensor JudgedLoss::loss(const at::Tensor& left, const at::Tensor& right) const {
  const at::Tensor similarity = at::mm(left, right.t());
  check_similarity(similarity, batch_);
  at::Tensor loss = main_loss(similarity);
  if (options_.decoupled_weight > 0 && options_.loss != "decoupled")
    loss = loss + options_.decoupled_weight * decoupled_loss(similarity, batch_, options_.temperature);
  if (options_.column_weight > 0) loss = loss + options_.column_weight * column_loss(similarity);
  if (options_.bce_weight > 0 && options_.loss != "bce") loss = loss + options_.bce_weight * bce(similarity);
  return loss;
}

at::Tensor JudgedLoss::main_loss(const at::Tensor& similarity) const {
  if (options_.loss == "decoupled") return decoupled_loss(similarity, batch_, options_.temperature);
  if (options_.loss == "soft_decoupled") return soft_decoupled_loss(similarity, batch_, options_.temperature);
  if (options_.loss == "listwise") return listwise_loss(similarity, batch_, options_.temperature);
  if (options_.loss == "margin_mse") return margin_mse_loss(similarity, batch_, options_.margin_scale);
  if (options_.loss == "bce") return bce(similarity);
  if (options_.loss == "triplet") return judged_triplet_loss(similarity, batch_, options_.triplet);
  throw std::logic_error("There is no loss '" + options_.loss + "': this is a bug in LMTX.");
}

at::Tensor JudgedLoss::column_loss(const at::Tensor& similarity) const {
  if (options_.loss == "soft_decoupled") return soft_decoupled_column_loss(similarity, batch_, options_.temperature);
  return decoupled_column_loss(similarity, batch_, options_.temperature);
}

at::Tensor JudgedLoss::bce(const at::Tensor& similarity) const {
  return soft_bce_loss(similarity, batch_, options_.bce_scale, bce_offset(similarity, batch_, options_.bce_scale, options_.far_weight), options_.far_weight);
}

std::shared_ptr<const BatchLoss> JudgedLoss::to(at::Device device) const { return std::make_shared<JudgedLoss>(batch_.to(device), options_); }

std::shared_ptr<const BatchLoss> JudgedLoss::pinned() const { return std::make_shared<JudgedLoss>(batch_.pinned(), options_); }

}  // namespace lmtx
