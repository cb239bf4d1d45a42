// The triplet loss of large batches against the one that computes all cosines at once.
#include <ATen/TensorOperators.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>

#include <limits>

#include "catch.h"
#include "loss_cases.h"

using namespace lmtx;
using namespace lmtx::test;

namespace {

LossCase case_of(const std::string& name) {
  for (const LossCase& c : loss_cases()) {
    if (c.name == name) return c;
  }
  throw std::logic_error("no case " + name);
}

}  // namespace

TEST_CASE("the loss in blocks and its gradients equal those of all cosines at once") {
  for (const LossCase& c : loss_cases()) {
    if (c.documents.size(0) > 257) continue;  // these are for cards
    INFO(c.name);
    const BatchYeses yeses = BatchYeses::from_matrix(c.is_yes);
    const LossAndGradients expected =
        evaluate(c, at::kDouble, [&](const at::Tensor& d, const at::Tensor& l) { return triplet_loss_at_once(d, l, c.is_yes, c.options); });
    for (const int64_t block : {c.documents.size(0) > 64 ? 50 : 1, 1024}) {
      const LossAndGradients found =
          evaluate(c, at::kDouble, [&](const at::Tensor& d, const at::Tensor& l) { return triplet_loss_in_blocks(d, l, yeses, c.options, block); });
      check_close(found, expected, 1e-12);
    }
    const LossAndGradients single =
        evaluate(c, at::kFloat, [&](const at::Tensor& d, const at::Tensor& l) { return triplet_loss_in_blocks(d, l, yeses, c.options, 30); });
    check_close(single, expected, c.float_tolerance);
  }
}

TEST_CASE("the gradient of the loss in blocks is scaled by what comes from behind it") {
  const LossCase c = case_of("31 rows, k 10");
  const BatchYeses yeses = BatchYeses::from_matrix(c.is_yes);
  const auto loss = [&](const at::Tensor& d, const at::Tensor& l) { return triplet_loss_in_blocks(d, l, yeses, c.options, 4); };
  const LossAndGradients once = evaluate(c, at::kDouble, loss),
                         thrice = evaluate(c, at::kDouble, [&](const at::Tensor& d, const at::Tensor& l) { return loss(d, l) * 3; });
  CHECK((thrice.documents - once.documents * 3).abs().max().item<double>() < 1e-14);
  CHECK((thrice.labels - once.labels * 3).abs().max().item<double>() < 1e-14);
}

TEST_CASE("the loss in blocks is the same bits twice") {
  const LossCase c = case_of("600 rows, k 10");
  const BatchYeses yeses = BatchYeses::from_matrix(c.is_yes);
  const auto loss = [&](const at::Tensor& d, const at::Tensor& l) { return triplet_loss_in_blocks(d, l, yeses, c.options, 16); };
  const LossAndGradients first = evaluate(c, at::kFloat, loss), again = evaluate(c, at::kFloat, loss);
  CHECK(first.loss == again.loss);
  CHECK(first.labels.equal(again.labels));
}

TEST_CASE("a number that is none makes the loss in blocks none") {
  LossCase c = case_of("31 rows, k 10");
  c.labels[2][0] = std::numeric_limits<double>::quiet_NaN();
  const BatchYeses yeses = BatchYeses::from_matrix(c.is_yes);
  CHECK(std::isnan(triplet_loss_in_blocks(c.documents, c.labels, yeses, c.options).item<double>()));
}

TEST_CASE("a batch of thousands takes the way in blocks") {
  const int64_t batch = 1500;
  const at::Tensor documents = unit_rows(batch, 8, at::kDouble, 1), labels = unit_rows(batch, 8, at::kDouble, 2);
  const BatchYeses yeses = BatchYeses::from_matrix(at::zeros({batch, batch}, at::kBool));
  const at::Tensor large = triplet_loss(documents, labels, yeses), at_once = triplet_loss_at_once(documents, labels, at::zeros({batch, batch}, at::kBool), {});
  CHECK(large.item<double>() == Approx(at_once.item<double>()).epsilon(1e-6));
}

TEST_CASE("yeses that are not of the batch are refused") {
  const at::Tensor rows = at::randn({3, 4});
  CHECK_THROWS_WITH(triplet_loss_in_blocks(rows, rows, BatchYeses::from_matrix(at::eye(2, at::kBool)), {}),
                    "`yeses` must be of the 3 rows of `documents`, but are of 2 instead.");
}

TEST_CASE("the yeses of a batch are those of its matrix") {
  for (const LossCase& c : loss_cases()) CHECK(BatchYeses::from_matrix(c.is_yes).matrix().equal(c.is_yes));
}

TEST_CASE("a batch knows the columns of a label that comes up often, and passes over labels that do not come up") {
  const std::vector<int64_t> labels = {7, 3, 7, 9}, first = {3, 7}, second = {5, 9}, third, fourth = {7};
  const std::vector<std::span<const int64_t>> yeses_of = {first, second, third, fourth};
  const at::Tensor matrix = BatchYeses(labels, yeses_of).matrix();
  const std::vector<std::vector<bool>> expected = {
      {true, true, true, false}, {false, false, false, true}, {false, false, false, false}, {true, false, true, false}};
  for (int64_t i = 0; i < 4; ++i) {
    for (int64_t j = 0; j < 4; ++j) CHECK(matrix[i][j].item<bool>() == expected[static_cast<size_t>(i)][static_cast<size_t>(j)]);
  }
}
