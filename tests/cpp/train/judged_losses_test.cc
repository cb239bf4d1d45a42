#include "lmtx/train/judged_losses.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/full.h>
#include <ATen/ops/mm.h>

#include <cmath>
#include <map>
#include <optional>

#include "catch.h"
#include "judged_cases.h"

using namespace lmtx;
using namespace lmtx::test;

namespace {

enum class Pair { judged, near, far };

// A batch in plain C++: what each pair is, asked one by one.
class Reference {
 public:
  explicit Reference(const JudgedCase& c) : c_(c), similarity_(at::mm(c.left, c.right.t())) {}

  int64_t rows() const { return static_cast<int64_t>(c_.rows.size()); }
  int64_t columns() const { return c_.columns; }
  double s(int64_t i, int64_t j) const { return similarity_[i][j].item<double>(); }
  std::optional<JudgedEntry> judged(int64_t i, int64_t j) const {
    for (const JudgedEntry& entry : c_.rows[static_cast<size_t>(i)].judged) {
      if (entry.column == j) return entry;
    }
    return std::nullopt;
  }
  bool is_far(int64_t i, int64_t j) const {
    const auto& near = c_.rows[static_cast<size_t>(i)].near;
    return !judged(i, j) && std::find(near.begin(), near.end(), j) == near.end();
  }
  // Of a positive, else 0.
  double positive_weight(int64_t i, int64_t j) const {
    const auto entry = judged(i, j);
    return entry && entry->use == PairUse::positive ? entry->weight : 0;
  }
  // 1 - q of a no, 1 of a far pair, else 0.
  double negative(int64_t i, int64_t j) const {
    const auto entry = judged(i, j);
    if (entry) return entry->use == PairUse::negative ? 1 - entry->target : 0;
    return is_far(i, j) ? 1 : 0;
  }

 private:
  const JudgedCase& c_;
  at::Tensor similarity_;
};

// Means over groups of weighted means, of what has been added.
class MeanOfMeans {
 public:
  void add(int64_t group, double weight, double value) {
    sums_[group].first += weight * value;
    sums_[group].second += weight;
  }
  double get() const {
    double sum = 0;
    for (const auto& [group, pair] : sums_) sum += pair.first / pair.second;
    return sums_.empty() ? 0 : sum / static_cast<double>(sums_.size());
  }

 private:
  std::map<int64_t, std::pair<double, double>> sums_;
};

double expected_decoupled(const Reference& r, double tau, bool by_column) {
  MeanOfMeans mean;
  for (int64_t i = 0; i < r.rows(); ++i) {
    for (int64_t j = 0; j < r.columns(); ++j) {
      if (r.positive_weight(i, j) == 0) continue;
      double z = 0;
      for (int64_t k = 0; k < (by_column ? r.rows() : r.columns()); ++k)
        z += by_column ? r.negative(k, j) * std::exp(r.s(k, j) / tau) : r.negative(i, k) * std::exp(r.s(i, k) / tau);
      const double own = std::exp(r.s(i, j) / tau);
      mean.add(by_column ? j : i, r.positive_weight(i, j), -std::log(own / (own + z)));
    }
  }
  return mean.get();
}

double expected_soft_decoupled(const Reference& r, double tau, bool by_column) {
  double sum = 0, weights = 0;
  const auto negative = [&](int64_t i, int64_t j) {
    const auto entry = r.judged(i, j);
    return entry ? 1 - entry->target : r.is_far(i, j) ? 1.0 : 0.0;
  };
  for (int64_t i = 0; i < r.rows(); ++i) {
    for (int64_t j = 0; j < r.columns(); ++j) {
      const auto entry = r.judged(i, j);
      if (!entry) continue;
      double z = 0;
      for (int64_t k = 0; k < (by_column ? r.rows() : r.columns()); ++k) {
        if (k == (by_column ? i : j)) continue;
        z += by_column ? negative(k, j) * std::exp(r.s(k, j) / tau) : negative(i, k) * std::exp(r.s(i, k) / tau);
      }
      const double own = std::exp(r.s(i, j) / tau);
      sum -= entry->target * entry->weight * std::log(own / (own + z));
      weights += entry->target * entry->weight;
    }
  }
  return sum / weights;
}

double expected_margin_mse(const Reference& r, double scale) {
  MeanOfMeans mean;
  for (int64_t i = 0; i < r.rows(); ++i) {
    for (int64_t p = 0; p < r.columns(); ++p) {
      for (int64_t n = 0; n < r.columns(); ++n) {
        const auto a = r.judged(i, p), b = r.judged(i, n);
        if (!a || !b || a->use != PairUse::positive || b->use == PairUse::positive) continue;
        mean.add(i, a->weight * b->weight, std::pow(r.s(i, p) - r.s(i, n) - scale * (a->target - b->target), 2));
      }
    }
  }
  return mean.get();
}

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

double expected_bce(const Reference& r, double scale, double offset, double far_weight) {
  double judged = 0, weights = 0, far = 0, count = 0;
  for (int64_t i = 0; i < r.rows(); ++i) {
    for (int64_t j = 0; j < r.columns(); ++j) {
      const double prediction = sigmoid(scale * r.s(i, j) + offset);
      if (const auto entry = r.judged(i, j)) {
        judged -= entry->weight * (entry->target * std::log(prediction) + (1 - entry->target) * std::log(1 - prediction));
        weights += entry->weight;
      } else if (r.is_far(i, j)) {
        far -= std::log(1 - prediction);
        count += 1;
      }
    }
  }
  return judged / weights + (count > 0 ? far_weight * far / count : 0);
}

double expected_triplet(const Reference& r, const TripletLossOptions& options) {
  MeanOfMeans mean;
  for (int64_t i = 0; i < r.rows(); ++i) {
    std::vector<double> negatives;
    for (int64_t j = 0; j < r.columns(); ++j) {
      if (r.negative(i, j) > 0) negatives.push_back(r.s(i, j));
    }
    std::sort(negatives.begin(), negatives.end(), std::greater<>());
    negatives.resize(std::min(negatives.size(), static_cast<size_t>(options.hard_negatives)));
    for (int64_t p = 0; p < r.columns(); ++p) {
      if (r.positive_weight(i, p) == 0) continue;
      double sum = 0, weights = 0;
      for (const double s : negatives) {
        const double violation = s - r.s(i, p) + options.margin;
        if (violation <= 0) continue;
        sum += std::exp(s / options.violator_temperature) * violation;
        weights += std::exp(s / options.violator_temperature);
      }
      mean.add(i, r.positive_weight(i, p), weights > 0 ? sum / weights : 0);
    }
  }
  return mean.get();
}

double loss_of(const JudgedCase& c, const JudgedLossOptions& options) { return JudgedLoss(c.batch(), options).loss(c.left, c.right).item<double>(); }

JudgedLossOptions only(const std::string& loss) { return {.loss = loss, .temperature = 0.2, .column_weight = 0, .bce_scale = 5}; }

at::Tensor scalar(double number) { return at::full({}, number, at::kDouble); }

// The gradient with respect to left and right against slopes of the loss.
void check_gradient(const JudgedCase& c, const JudgedLossOptions& options) {
  INFO(c.name << ", " << options.loss);
  const JudgedLoss loss(c.batch(), options);
  const at::Tensor left = c.left.clone().requires_grad_(), right = c.right.clone().requires_grad_();
  loss.loss(left, right).backward();
  const double h = 1e-6;
  for (const auto& [vectors, gradient] : {std::pair(left.detach(), left.grad()), std::pair(right.detach(), right.grad())}) {
    const at::Tensor numbers = vectors.view(-1), slopes = gradient.view(-1);
    for (int64_t i = 0; i < numbers.numel(); i += 5) {
      const double before = numbers[i].item<double>();
      numbers[i] = before + h;
      const double up = loss.loss(left.detach(), right.detach()).item<double>();
      numbers[i] = before - h;
      const double down = loss.loss(left.detach(), right.detach()).item<double>();
      numbers[i] = before;
      CHECK(slopes[i].item<double>() == Approx((up - down) / (2 * h)).epsilon(1e-4).margin(1e-6));
    }
  }
}

double perplexity(const std::vector<double>& distribution) {
  double sum = 0, entropy = 0;
  for (const double p : distribution) sum += p;
  for (const double p : distribution) entropy -= p > 0 ? p / sum * std::log(p / sum) : 0;
  return std::exp(entropy);
}

}  // namespace

TEST_CASE("each loss on all judgments equals its formula, pair by pair") {
  for (const JudgedCase& c : judged_cases()) {
    INFO(c.name);
    const Reference r(c);
    CHECK(loss_of(c, only("decoupled")) == Approx(expected_decoupled(r, 0.2, false)).margin(1e-12));
    JudgedLossOptions columns = only("decoupled");
    columns.column_weight = 1;
    CHECK(loss_of(c, columns) - loss_of(c, only("decoupled")) == Approx(expected_decoupled(r, 0.2, true)).margin(1e-12));
    CHECK(loss_of(c, only("soft_decoupled")) == Approx(expected_soft_decoupled(r, 0.2, false)).margin(1e-6));
    JudgedLossOptions soft_columns = only("soft_decoupled");
    soft_columns.column_weight = 1;
    CHECK(loss_of(c, soft_columns) - loss_of(c, only("soft_decoupled")) == Approx(expected_soft_decoupled(r, 0.2, true)).margin(1e-6));
    CHECK(loss_of(c, only("margin_mse")) == Approx(expected_margin_mse(r, 0.4)).margin(1e-7));
    const at::Tensor similarity = at::mm(c.left, c.right.t());
    for (const double offset : {-3.0, 0.5})
      CHECK(soft_bce_loss(similarity, c.batch(), 5, scalar(offset), 0.2).item<double>() == Approx(expected_bce(r, 5, offset, 0.2)).margin(1e-6));
    for (const int64_t k : {1, 3, 100}) {
      JudgedLossOptions triplet = only("triplet");
      triplet.triplet = {.margin = 0.3, .hard_negatives = k, .violator_temperature = 0.1};
      CHECK(loss_of(c, triplet) == Approx(expected_triplet(r, triplet.triplet)).margin(1e-12));
    }
  }
}

TEST_CASE("the listwise loss is the divergence of each row's list from its targets") {
  for (const JudgedCase& c : judged_cases()) {
    INFO(c.name);
    const Reference r(c);
    const JudgedBatch batch = c.batch();
    size_t next = 0;
    double expected = 0, importance = 0;
    std::vector<double> divergences, importances;
    for (int64_t i = 0; i < r.rows(); ++i) {
      const JudgedRow& row = c.rows[static_cast<size_t>(i)];
      double sum = 0, yeses = 0, divergence = 0;
      const size_t size = row.judged.size() + row.listed.size();
      std::vector<int64_t> places;
      for (size_t k = 0; k < size; ++k) places.push_back(batch.listed[static_cast<int64_t>(next + k)].item<int64_t>() - i * c.columns);
      for (const int64_t j : places) sum += std::exp(r.s(i, j) / 0.2);
      for (size_t k = 0; k < size; ++k) {
        const double target = batch.list_targets[static_cast<int64_t>(next + k)].item<double>();
        if (target > 0) divergence += target * std::log(target / (std::exp(r.s(i, places[k]) / 0.2) / sum));
      }
      for (const JudgedEntry& entry : row.judged) yeses += entry.target;
      expected += std::min(1.0, yeses) * divergence;
      importance += std::min(1.0, yeses);
      next += size;
    }
    CHECK(static_cast<int64_t>(next) == batch.listed.numel());
    CHECK(loss_of(c, only("listwise")) == Approx(expected / importance).margin(1e-6));
  }
}

TEST_CASE("a list's targets are as spread as true labels are expected in it, and in the order of the scores") {
  const std::vector<double> targets = {0.05, 0.9, 0.3, 0.8, 0.02};
  JudgedRow row{{}, {}, {5, 6}};
  for (size_t j = 0; j < targets.size(); ++j) row.judged.push_back({static_cast<int64_t>(j), targets[j]});
  const JudgedBatch batch = JudgedBatch::of({row}, 7);
  std::vector<double> judged, listed;
  for (int64_t j = 0; j < 7; ++j) (j < 5 ? judged : listed).push_back(batch.list_targets[j].item<double>());
  CHECK(perplexity(judged) == Approx(0.05 + 0.9 + 0.3 + 0.8 + 0.02).epsilon(1e-4));
  CHECK(judged[1] > judged[3]);
  CHECK(judged[3] > judged[2]);
  CHECK(judged[2] > judged[0]);
  CHECK(judged[0] > judged[4]);
  // What is far is as unlikely as the least likely.
  CHECK(listed[0] == judged[4]);
  CHECK(listed[1] == judged[4]);
  CHECK(batch.list_targets.sum().item<double>() == Approx(1));
  // Two yeses for certain: half each.
  const JudgedBatch sure = JudgedBatch::of({{{{0, 1}, {1, 0}, {2, 1}, {3, 0}}}}, 4);
  CHECK(sure.list_targets[0].item<double>() == Approx(0.5).margin(1e-3));
  CHECK(sure.list_targets[2].item<double>() == Approx(0.5).margin(1e-3));
}

TEST_CASE("the offset of the cross-entropy is where it is least") {
  for (const JudgedCase& c : judged_cases()) {
    for (const double scale : {1.0, 20.0}) {
      for (const double far_weight : {0.0, 0.2, 3.0}) {
        INFO(c.name << ", scale " << scale << ", far " << far_weight);
        const Reference r(c);
        const at::Tensor found = bce_offset(at::mm(c.left, c.right.t()), c.batch(), scale, far_weight);
        const double offset = found.item<double>(), least = expected_bce(r, scale, offset, far_weight);
        CHECK_FALSE(found.requires_grad());
        // Only certain targets are learned best without an end.
        if (c.name == "sure targets" && offset > 0) continue;
        for (const double step : {-5.0, -0.1, -1e-3, 1e-3, 0.1, 5.0}) CHECK(least <= expected_bce(r, scale, offset + step, far_weight) + 1e-9);
        CHECK(std::abs(expected_bce(r, scale, offset + 1e-4, far_weight) - expected_bce(r, scale, offset - 1e-4, far_weight)) < 1e-8);
      }
    }
  }
}

TEST_CASE("gradients of the losses on all judgments equal finite differences") {
  for (const JudgedCase& c : judged_cases()) {
    for (const char* loss : {"decoupled", "soft_decoupled", "listwise", "margin_mse"}) check_gradient(c, only(loss));
    JudgedLossOptions options = only("decoupled");
    options.column_weight = 0.5;
    check_gradient(c, options);
    options = only("soft_decoupled");
    options.column_weight = 0.5;
    check_gradient(c, options);
    // With the offset at its best the loss does not move with it.
    check_gradient(c, only("bce"));
    // The weights of several violators are held in the gradient; of one it is 1.
    options = only("triplet");
    options.triplet.hard_negatives = 1;
    check_gradient(c, options);
  }
}

TEST_CASE("the cross-entropy's gradient through far pairs equals finite differences with the offset held") {
  const JudgedCase c = drawn_case(4, 9, 5);
  const JudgedBatch batch = c.batch();
  const at::Tensor similarity = at::mm(c.left, c.right.t()), moved = similarity.clone().requires_grad_();
  soft_bce_loss(moved, batch, 20, scalar(-2), 0.7).backward();
  for (int64_t i = 0; i < 4; ++i) {
    for (int64_t j = 0; j < 9; ++j) {
      const double h = 1e-6;
      at::Tensor up = similarity.clone(), down = similarity.clone();
      up[i][j] += h, down[i][j] -= h;
      const double slope = (soft_bce_loss(up, batch, 20, scalar(-2), 0.7) - soft_bce_loss(down, batch, 20, scalar(-2), 0.7)).item<double>() / (2 * h);
      CHECK(moved.grad()[i][j].item<double>() == Approx(slope).epsilon(1e-5).margin(1e-8));
    }
  }
}

TEST_CASE("near pairs that are not judged have no part in any loss") {
  const JudgedCase c = drawn_case(5, 12, 3);
  for (const char* loss : {"decoupled", "soft_decoupled", "listwise", "margin_mse", "bce", "triplet"}) {
    JudgedLossOptions options = only(loss);
    options.column_weight = 0.5;
    const at::Tensor similarity = at::mm(c.left, c.right.t());
    // The gradient with respect to the cosines: the identity stands for the labels.
    const at::Tensor moved = similarity.clone().requires_grad_();
    JudgedLoss(c.batch(), options).loss(moved, at::eye(12, at::kDouble)).backward();
    for (size_t i = 0; i < c.rows.size(); ++i) {
      for (const int64_t j : c.rows[i].near) CHECK(moved.grad()[static_cast<int64_t>(i)][j].item<double>() == 0);
    }
  }
}

TEST_CASE("losses add up as their weights say") {
  const JudgedCase c = drawn_case(6, 15, 9);
  const double listwise = loss_of(c, only("listwise")), decoupled = loss_of(c, only("decoupled")), bce = loss_of(c, only("bce"));
  JudgedLossOptions options = only("listwise");
  options.decoupled_weight = 0.1;
  options.bce_weight = 0.3;
  CHECK(loss_of(c, options) == Approx(listwise + 0.1 * decoupled + 0.3 * bce));
  options.loss = "bce";
  CHECK(loss_of(c, options) == Approx(bce + 0.1 * decoupled));
}

TEST_CASE("losses on all judgments in float32 are those of float64") {
  for (const JudgedCase& c : judged_cases()) {
    for (const char* loss : {"decoupled", "soft_decoupled", "listwise", "margin_mse", "bce", "triplet"}) {
      INFO(c.name << ", " << loss);
      const JudgedLoss judged(c.batch(), only(loss));
      CHECK(judged.loss(c.left.to(at::kFloat), c.right.to(at::kFloat)).item<double>() == Approx(judged.loss(c.left, c.right).item<double>()).margin(1e-5));
    }
  }
}

TEST_CASE("vectors that are not those of the judged batch are refused") {
  const JudgedCase c = drawn_case(3, 4, 1);
  CHECK_THROWS_WITH(JudgedLoss(c.batch(), {}).loss(c.right, c.left), "The cosines must have shape [3, 4], as the judged batch, but have [4, 3] instead.");
}
