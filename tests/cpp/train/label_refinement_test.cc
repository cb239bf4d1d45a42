#include "lmtx/train/label_refinement.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "catch.h"
#include "lmtx/detail/random.h"
#include "student_fixtures.h"
#include "train/card.h"

using namespace lmtx;
using namespace lmtx::test;

namespace {

using Vector = std::vector<double>;

struct Pair {
  int64_t document, label;
  double target, weight;
};

// Unit vectors and some judged pairs, by rising label and document; the last label has none, one only noes.
struct Task {
  std::vector<Vector> documents, labels;
  std::vector<Pair> pairs;
};

constexpr int64_t num_documents = 30, num_labels = 7, dim = 6;

Vector random_unit(detail::KeyedRandom& random) {
  Vector v(dim);
  double square = 0;
  for (double& x : v) {
    x = random.uniform() - 0.3;
    square += x * x;
  }
  for (double& x : v) x /= std::sqrt(square);
  return v;
}

Task make_task(uint64_t seed = 0) {
  detail::KeyedRandom random(detail::random_key(seed, "label refinement"));
  Task task;
  for (int64_t i = 0; i < num_documents; ++i) task.documents.push_back(random_unit(random));
  for (int64_t i = 0; i < num_labels; ++i) task.labels.push_back(random_unit(random));
  for (int64_t label = 0; label + 1 < num_labels; ++label) {
    for (int64_t document = 0; document < num_documents; ++document) {
      if (random.below(3) == 0) task.pairs.push_back({document, label, label == 2 ? 0.0 : random.uniform(), 0.2 + random.uniform()});
    }
  }
  return task;
}

at::Tensor matrix(const std::vector<Vector>& rows) {
  std::vector<at::Tensor> tensors;
  for (const Vector& row : rows) tensors.push_back(at::tensor(row, at::kDouble));
  return at::stack(tensors);
}

JudgedPairs judged_of(const std::vector<Pair>& pairs) {
  std::vector<int64_t> documents, labels;
  Vector targets, weights;
  for (const Pair& pair : pairs) {
    documents.push_back(pair.document);
    labels.push_back(pair.label);
    targets.push_back(pair.target);
    weights.push_back(pair.weight);
  }
  return {at::tensor(documents, at::kLong), at::tensor(labels, at::kLong), at::tensor(targets, at::kDouble), at::tensor(weights, at::kDouble)};
}

LabelEvidence evidence_of(const Task& task) { return {matrix(task.documents), matrix(task.labels), judged_of(task.pairs)}; }

at::Tensor judged_rows(const Task& task) { return matrix(task.labels).narrow(0, 0, num_labels - 1); }

RefinedLabels refine(const Task& task, const LabelRefinementOptions& options) {
  return refine_labels(matrix(task.documents), matrix(task.labels), judged_of(task.pairs), options);
}

double dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

void add(Vector& to, double factor, const Vector& v) {
  for (size_t i = 0; i < v.size(); ++i) to[i] += factor * v[i];
}

Vector scaled_to_unit(Vector v) {
  const double length = std::sqrt(dot(v, v));
  for (double& x : v) x = length == 0 ? 0 : x / length;
  return v;
}

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// The formula, label by label.
Vector prototype_by_hand(const Task& task, int64_t label, double rho, double gamma, double k) {
  Vector mean(dim), yes(dim), no(dim), moved = task.labels[label];
  double n_yes = 0, n_no = 0;
  for (const Vector& document : task.documents) add(mean, 1.0 / num_documents, document);
  for (const Pair& pair : task.pairs) {
    if (pair.label != label) continue;
    Vector centred = task.documents[pair.document];
    add(centred, -1, mean);
    add(yes, pair.weight * pair.target, centred);
    add(no, pair.weight * (1 - pair.target), centred);
    n_yes += pair.weight * pair.target;
    n_no += pair.weight * (1 - pair.target);
  }
  if (n_yes > 0) add(moved, rho * n_yes / (n_yes + k), scaled_to_unit(yes));
  if (n_no > 0) add(moved, -gamma * n_no / (n_no + k), scaled_to_unit(no));
  return scaled_to_unit(moved);
}

double residual_loss_by_hand(const Task& task, const std::vector<Vector>& residuals, double beta, const LabelRefinementOptions& options) {
  double loss = 0;
  for (int64_t label = 0; label + 1 < num_labels; ++label) {
    Vector moved = task.labels[label];
    add(moved, 1, residuals[label]);
    moved = scaled_to_unit(moved);
    double yeses = 0;
    for (const Pair& pair : task.pairs) {
      if (pair.label != label) continue;
      const double p = sigmoid(options.scale * dot(task.documents[pair.document], moved) + beta);
      loss -= pair.weight * (pair.target * std::log(p) + (1 - pair.target) * std::log(1 - p));
      yeses += pair.weight * pair.target;
    }
    loss += options.residual_penalty * dot(residuals[label], residuals[label]) / (1 + yeses);
  }
  return loss;
}

std::vector<Vector> random_residuals() {
  detail::KeyedRandom random(detail::random_key(1, "residuals"));
  std::vector<Vector> residuals(num_labels - 1, Vector(dim));
  for (Vector& row : residuals) {
    for (double& x : row) x = 0.4 * (random.uniform() - 0.5);
  }
  return residuals;
}

at::Tensor scalar(double value) { return at::tensor(value, at::kDouble); }

double loss_after(const Task& task, const LabelEvidence& evidence, int64_t steps, LabelRefinementOptions options) {
  options.residual_steps = steps;
  const at::Tensor rows = judged_rows(task);
  const at::Tensor offset = fit_offset(evidence.scores(rows), evidence.pairs().targets, evidence.pairs().weights, options.scale);
  // Without the penalty, which the unit vectors no longer tell.
  options.residual_penalty = 0;
  return residual_loss(evidence, train_residuals(evidence, rows, options), at::zeros({num_labels - 1, dim}, at::kDouble), offset, options).loss.item<double>();
}

const LabelRefinementOptions everything{.prototype_weight = 0.7, .residual_steps = 20, .bias = true};

}  // namespace

TEST_CASE("prototypes equal the formula, label by label") {
  for (const uint64_t seed : {0, 1, 2}) {
    const Task task = make_task(seed);
    const RefinedLabels refined = refine(task, {.prototype_weight = 0.7, .prototype_no_weight = 0.2, .prototype_shrinkage = 3});
    for (int64_t label = 0; label + 1 < num_labels; ++label) {
      CHECK(largest_difference(refined.vectors[label], at::tensor(prototype_by_hand(task, label, 0.7, 0.2, 3), at::kDouble)) < 1e-12);
    }
    CHECK(refined.biases.count_nonzero().item<int64_t>() == 0);
  }
}

TEST_CASE("a label with much evidence ends near its documents, one with little near its name") {
  Task task = make_task();
  task.pairs.clear();
  task.pairs.push_back({0, 0, 1.0, 1.0});
  for (int64_t i = 0; i < num_documents / 2; ++i) task.pairs.push_back({i, 1, 1.0, 1.0});
  const RefinedLabels refined = refine(task, {.prototype_weight = 1, .prototype_no_weight = 0});
  const at::Tensor kept = (refined.vectors * matrix(task.labels)).sum(1);
  CHECK(kept[0].item<double>() > kept[1].item<double>());
  CHECK(kept[1].item<double>() < 0.95);
}

TEST_CASE("labels without a judged pair stay as they are, bit for bit") {
  const Task task = make_task();
  const RefinedLabels refined = refine(task, everything);
  CHECK(at::equal(refined.vectors[num_labels - 1], matrix(task.labels)[num_labels - 1]));
  CHECK(refined.biases[num_labels - 1].item<double>() == 0);
  for (int64_t label = 0; label + 1 < num_labels; ++label) {
    CHECK(largest_difference(refined.vectors[label], matrix(task.labels)[label]) > 1e-3);
    CHECK(refined.biases[label].item<double>() != 0);
  }
}

TEST_CASE("without judged pairs, and with every step off, nothing changes") {
  Task task = make_task();
  CHECK(at::equal(refine(task, {}).vectors, matrix(task.labels)));
  task.pairs.clear();
  CHECK(at::equal(refine_labels(matrix(task.documents), matrix(task.labels),
                                {at::zeros({0}, at::kLong), at::zeros({0}, at::kLong), at::zeros({0}, at::kDouble), at::zeros({0}, at::kDouble)}, everything)
                      .vectors,
                  matrix(task.labels)));
}

TEST_CASE("refined labels are the same bits for pairs in any order") {
  Task task = make_task();
  const RefinedLabels expected = refine(task, everything);
  const auto order = detail::permutation(static_cast<int64_t>(task.pairs.size()), 3);
  std::vector<Pair> shuffled;
  for (const int64_t i : order) shuffled.push_back(task.pairs[i]);
  task.pairs = shuffled;
  const RefinedLabels refined = refine(task, everything);
  CHECK(at::equal(refined.vectors, expected.vectors));
  CHECK(at::equal(refined.biases, expected.biases));
}

TEST_CASE("float32 refines labels as float64 does") {
  const Task task = make_task();
  const RefinedLabels expected = refine(task, everything);
  JudgedPairs judged = judged_of(task.pairs);
  judged.targets = judged.targets.to(at::kFloat);
  judged.weights = judged.weights.to(at::kFloat);
  const RefinedLabels refined = refine_labels(matrix(task.documents).to(at::kFloat), matrix(task.labels).to(at::kFloat), judged, everything);
  CHECK(refined.vectors.scalar_type() == at::kFloat);
  CHECK(largest_difference(refined.vectors, expected.vectors) < 1e-5);
  CHECK(largest_difference(refined.biases, expected.biases) < 1e-5);
}

TEST_CASE("the offset makes the mean prediction the mean target") {
  const Task task = make_task();
  const LabelEvidence evidence = evidence_of(task);
  const at::Tensor scores = evidence.scores(judged_rows(task)), &q = evidence.pairs().targets, &w = evidence.pairs().weights;
  const double beta = fit_offset(scores, q, w, 20).item<double>();
  double predicted = 0, wanted = 0;
  for (const Pair& pair : task.pairs) {
    predicted += pair.weight * sigmoid(20 * dot(task.documents[pair.document], task.labels[pair.label]) + beta);
    wanted += pair.weight * pair.target;
  }
  CHECK(predicted == Approx(wanted).epsilon(1e-9));
  CHECK(std::isfinite(fit_offset(scores, q.zero_(), w, 20).item<double>()));
}

TEST_CASE("the residuals' loss equals its formula, and its gradient finite differences") {
  const Task task = make_task();
  const LabelEvidence evidence = evidence_of(task);
  const LabelRefinementOptions options{.residual_penalty = 2};
  std::vector<Vector> residuals = random_residuals();
  const ResidualLoss found = residual_loss(evidence, judged_rows(task), matrix(residuals), scalar(-3), options);
  CHECK(found.loss.item<double>() == Approx(residual_loss_by_hand(task, residuals, -3, options)).epsilon(1e-12));
  constexpr double h = 1e-5;
  for (int64_t label = 0; label + 1 < num_labels; ++label) {
    for (int64_t i = 0; i < dim; ++i) {
      const double here = residuals[label][i];
      residuals[label][i] = here + h;
      const double above = residual_loss_by_hand(task, residuals, -3, options);
      residuals[label][i] = here - h;
      const double below = residual_loss_by_hand(task, residuals, -3, options);
      residuals[label][i] = here;
      CHECK(found.gradient[label][i].item<double>() == Approx((above - below) / (2 * h)).epsilon(1e-5).margin(1e-6));
    }
  }
}

TEST_CASE("residuals lower the loss, and a heavy penalty holds them") {
  const Task task = make_task();
  const LabelEvidence evidence = evidence_of(task);
  const LabelRefinementOptions light{.residual_penalty = 1};
  const double untrained = loss_after(task, evidence, 0, light), some = loss_after(task, evidence, 10, light), more = loss_after(task, evidence, 100, light);
  CHECK(some < untrained);
  CHECK(more < some);
  const at::Tensor held = train_residuals(evidence, judged_rows(task), {.residual_steps = 100, .residual_penalty = 1e6});
  CHECK(largest_difference(held, judged_rows(task)) < 1e-2);
}

TEST_CASE("residuals come to rest where the gradient is zero") {
  const Task task = make_task();
  const LabelEvidence evidence = evidence_of(task);
  const LabelRefinementOptions options{.residual_steps = 3000, .residual_penalty = 100};
  const at::Tensor rows = judged_rows(task), moved = train_residuals(evidence, rows, options);
  const at::Tensor offset = fit_offset(evidence.scores(rows), evidence.pairs().targets, evidence.pairs().weights, options.scale);
  // Any residual along the ray through the trained vector gives that vector; the loss is lowest at one of them.
  double smallest = 1e9;
  for (double length = 0.7; length < 1.5; length += 0.001) {
    const ResidualLoss at_rest = residual_loss(evidence, rows, length * moved - rows, offset, options);
    smallest = std::min(smallest, at_rest.gradient[0].norm().item<double>());
  }
  const double at_start = residual_loss(evidence, rows, at::zeros_like(rows), offset, options).gradient[0].norm().item<double>();
  CHECK(smallest < 0.02 * at_start);
}

TEST_CASE("biases solve their equation, label by label, and end at the limit") {
  const Task task = make_task();
  const LabelEvidence evidence = evidence_of(task);
  const LabelRefinementOptions options{.bias = true};
  const at::Tensor scores = evidence.scores(judged_rows(task));
  const double beta = fit_offset(scores, evidence.pairs().targets, evidence.pairs().weights, options.scale).item<double>();
  const at::Tensor biases = fit_biases(evidence, judged_rows(task), options) * options.scale;
  for (int64_t label = 0; label + 1 < num_labels; ++label) {
    // By bisection: the slope of the label's loss rises with b.
    double low = -options.largest_bias, high = options.largest_bias;
    for (int64_t i = 0; i < 60; ++i) {
      const double b = (low + high) / 2;
      double slope = options.bias_precision * b;
      for (const Pair& pair : task.pairs) {
        if (pair.label == label)
          slope += pair.weight * (sigmoid(options.scale * dot(task.documents[pair.document], task.labels[label]) + beta + b) - pair.target);
      }
      (slope > 0 ? high : low) = b;
    }
    CHECK(biases[label].item<double>() == Approx(low).margin(1e-3));
  }
  const at::Tensor cut = fit_biases(evidence, judged_rows(task), {.bias = true, .bias_precision = 1e-3, .largest_bias = 0.1}) * options.scale;
  CHECK(cut.abs().max().item<double>() == Approx(0.1));
}

TEST_CASE("what does not fit is refused by name") {
  const Task task = make_task();
  const at::Tensor documents = matrix(task.documents), labels = matrix(task.labels);
  const JudgedPairs judged = judged_of(task.pairs);
  const auto refine_with = [&](auto change) {
    JudgedPairs changed = judged;
    change(changed);
    refine_labels(documents, labels, changed, everything);
  };
  CHECK_THROWS_WITH(refine_with([](JudgedPairs& j) { j.documents = j.documents + num_documents; }), Catch::Contains("`judged.documents` must lie in [0, 29]"));
  CHECK_THROWS_WITH(refine_with([](JudgedPairs& j) { j.labels = j.labels - 1; }), Catch::Contains("`judged.labels` must lie in [0, 6], but goes from -1"));
  CHECK_THROWS_WITH(refine_with([](JudgedPairs& j) { j.targets = j.targets * 3; }), Catch::Contains("`judged.targets` must lie in [0, 1]"));
  CHECK_THROWS_WITH(refine_with([](JudgedPairs& j) { j.weights = j.weights.to(at::kFloat); }), Catch::Contains("`judged.weights` must be Double"));
  CHECK_THROWS_WITH(refine_with([](JudgedPairs& j) { j.weights = j.weights.narrow(0, 0, 3); }), Catch::Contains("`judged.weights` must have shape"));
  CHECK_THROWS_WITH(refine_labels(documents, labels.narrow(1, 0, 3), judged, everything), Catch::Contains("`labels` must have 6 columns"));
}

TEST_CASE("a card refines labels as the CPU does, with the same bits twice") {
  if (!has_card()) return;
  const Task task = make_task();
  const RefinedLabels expected = refine(task, everything);
  const auto on_card = [&] {
    JudgedPairs judged = judged_of(task.pairs);
    for (at::Tensor* tensor : {&judged.documents, &judged.labels, &judged.targets, &judged.weights}) *tensor = tensor->to(at::kCUDA);
    return refine_labels(matrix(task.documents).to(at::kCUDA), matrix(task.labels).to(at::kCUDA), judged, everything);
  };
  const RefinedLabels refined = on_card(), again = on_card();
  CHECK(largest_difference(refined.vectors.cpu(), expected.vectors) < 1e-9);
  CHECK(largest_difference(refined.biases.cpu(), expected.biases) < 1e-9);
  CHECK(at::equal(refined.vectors, again.vectors));
  CHECK(at::equal(refined.biases, again.biases));
}
