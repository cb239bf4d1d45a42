#include "lmtx/train/losses.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <limits>

#include "catch.h"
#include "student_fixtures.h"

using namespace lmtx;
using namespace lmtx::test;

namespace {

struct LossAndGradients {
  double loss = 0;
  at::Tensor documents, labels;
};

LossAndGradients evaluate(const at::Tensor& documents, const at::Tensor& labels, const at::Tensor& is_yes, const TripletLossOptions& options = {}) {
  const at::Tensor d = documents.detach().clone().requires_grad_(), l = labels.detach().clone().requires_grad_();
  const at::Tensor loss = triplet_loss(d, l, is_yes, options);
  loss.backward();
  return {loss.item<double>(), d.grad(), l.grad()};
}

at::Tensor doubles(std::vector<double> values, at::IntArrayRef shape) { return at::tensor(values, at::kDouble).view(shape); }

at::Tensor no_yes(int64_t batch) { return at::zeros({batch, batch}, at::kBool); }

// Rows of two orthogonal documents; column scores can be read off.
at::Tensor two_documents() { return doubles({1, 0, 0, 1}, {2, 2}); }

}  // namespace

TEST_CASE("the triplet loss and its gradients equal those of a plain PyTorch implementation") {
  for (const detail::Json& c : detail::read_json(data_folder() / "train" / "triplet_loss.json")) {
    INFO(c["name"]);
    const TripletLossOptions options{c["margin"], c["hard_negatives"], c["violator_temperature"]};
    const at::Tensor documents = matrix_of(c["documents"]), labels = matrix_of(c["labels"]), is_yes = matrix_of(c["is_yes"]).to(at::kBool);
    const LossAndGradients exact = evaluate(documents, labels, is_yes, options);
    CHECK(exact.loss == Approx(c["loss"].get<double>()).epsilon(1e-12));
    CHECK(largest_difference(exact.documents, matrix_of(c["documents_gradient"])) < 1e-12);
    CHECK(largest_difference(exact.labels, matrix_of(c["labels_gradient"])) < 1e-12);
    const LossAndGradients single = evaluate(documents.to(at::kFloat), labels.to(at::kFloat), is_yes, options);
    CHECK(single.loss == Approx(c["loss"].get<double>()).epsilon(1e-4));
  }
}

TEST_CASE("the triplet loss' gradient equals finite differences with the weights held") {
  // With one hard negative the weight is 1 and nothing is detached that would move.
  const TripletLossOptions options{.margin = 0.3, .hard_negatives = 1};
  const at::Tensor documents = at::randn({6, 4}, at::kDouble), labels = at::randn({6, 4}, at::kDouble);
  const LossAndGradients at_point = evaluate(documents, labels, no_yes(6), options);
  const double h = 1e-6;
  for (int64_t i = 0; i < documents.numel(); ++i) {
    const at::Tensor up = documents.clone(), down = documents.clone();
    up.view(-1)[i] += h;
    down.view(-1)[i] -= h;
    const double slope = (evaluate(up, labels, no_yes(6), options).loss - evaluate(down, labels, no_yes(6), options).loss) / (2 * h);
    CHECK(at_point.documents.view(-1)[i].item<double>() == Approx(slope).margin(1e-8));
  }
}

TEST_CASE("a batch without violators has loss 0 and zero gradients") {
  const LossAndGradients result = evaluate(two_documents(), two_documents(), no_yes(2));
  CHECK(result.loss == 0);
  CHECK(result.documents.eq(0).all().item<bool>());
  CHECK(result.labels.eq(0).all().item<bool>());
}

TEST_CASE("a batch of one document has loss 0 and zero gradients") {
  const LossAndGradients result = evaluate(doubles({1, 0}, {1, 2}), doubles({0, 1}, {1, 2}), no_yes(1));
  CHECK(result.loss == 0);
  CHECK(result.documents.eq(0).all().item<bool>());
}

TEST_CASE("a document whose columns are all yeses adds nothing") {
  const at::Tensor labels = doubles({0, 1, 1, 0}, {2, 2});  // each column fits the other document
  const at::Tensor all_yes = at::ones({2, 2}, at::kBool);
  CHECK(evaluate(two_documents(), labels, all_yes).loss == 0);
  CHECK(evaluate(two_documents(), labels, no_yes(2)).loss == Approx(1.3));
}

TEST_CASE("the diagonal counts as a yes whatever is given") {
  const at::Tensor labels = doubles({0.6, 0.8, 0.8, 0.6}, {2, 2});
  CHECK(evaluate(two_documents(), labels, no_yes(2)).loss == evaluate(two_documents(), labels, at::eye(2, at::kBool)).loss);
}

TEST_CASE("tied negatives are taken by column") {
  const at::Tensor documents = doubles({1, 0, 1, 0, 1, 0}, {3, 2}), labels = doubles({0.5, 0.1, 0.5, 0.2, 0.5, 0.3}, {3, 2});
  const LossAndGradients result = evaluate(documents, labels, no_yes(3), {.margin = 0.3, .hard_negatives = 1});
  // Documents 1 and 2 take column 0, document 0 takes column 1.
  CHECK(result.documents[0][1].item<double>() == Approx((0.2 - 0.1) / 3));
  CHECK(result.documents[1][1].item<double>() == Approx((0.1 - 0.2) / 3));
  CHECK(result.documents[2][1].item<double>() == Approx((0.1 - 0.3) / 3));
}

TEST_CASE("an extreme temperature overflows nowhere") {
  const at::Tensor documents = at::randn({8, 4}), labels = at::randn({8, 4});
  const LossAndGradients result = evaluate(documents, labels, no_yes(8), {.violator_temperature = 1e-30});
  CHECK(std::isfinite(result.loss));
  CHECK(result.documents.isfinite().all().item<bool>());
}

TEST_CASE("vectors that are no numbers give a loss that is no number") {
  at::Tensor documents = two_documents();
  documents[0][0] = std::numeric_limits<double>::quiet_NaN();
  CHECK(std::isnan(triplet_loss(documents, two_documents(), no_yes(2)).item<double>()));
}

TEST_CASE("inputs that do not fit are refused") {
  const at::Tensor rows = at::randn({3, 4});
  CHECK_THROWS_WITH(triplet_loss(rows.view({-1}), rows, no_yes(3)), ContainsSubstring("`documents` must be float32 or float64 of shape [batch, dim]"));
  CHECK_THROWS_WITH(triplet_loss(rows, rows.to(at::kDouble), no_yes(3)), ContainsSubstring("`labels` must be as `documents`, Float of shape [3, 4], but is Double"));
  CHECK_THROWS_WITH(triplet_loss(rows, rows, no_yes(2)), ContainsSubstring("`is_yes` must be bool of shape [3, 3], but is Bool of shape [2, 2] instead."));
}
