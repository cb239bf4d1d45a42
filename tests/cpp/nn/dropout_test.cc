#include "lmtx/nn/dropout.h"

#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>

#include "catch.h"
#include "fixtures.h"

using namespace lmtx;
using namespace lmtx::test;

TEST_CASE("the same key gives the same masks, whatever else draws") {
  const at::Tensor x = at::ones({50, 40}, at::kFloat);
  Dropout first(7);
  const at::Tensor a = first(x, 0.3), b = first(x, 0.3);
  at::rand({10}, at::kFloat);
  Dropout again(7), other(8), high_bits(7 + (uint64_t{1} << 40));
  CHECK(again(x, 0.3).equal(a));
  at::rand({10}, at::kFloat);
  CHECK(again(x, 0.3).equal(b));
  CHECK_FALSE(a.equal(b));
  CHECK_FALSE(other(x, 0.3).equal(a));
  CHECK_FALSE(high_bits(x, 0.3).equal(a));
}

TEST_CASE("dropout zeroes a share p and scales the others by 1 / (1 - p)") {
  const double p = GENERATE(0.1, 0.5, 0.9);
  const at::Tensor y = Dropout(1)(at::ones({200, 500}, at::kDouble), p);
  // 100,000 draws: five standard deviations are at most 0.008.
  CHECK(y.eq(0).to(at::kDouble).mean().item<double>() == Approx(p).margin(0.008));
  CHECK(y.max().item<double>() == Approx(1 / (1 - p)).epsilon(1e-4));
  CHECK(y.mean().item<double>() == Approx(1).margin(0.03));
}

TEST_CASE("the gradient of dropout goes through its own mask") {
  at::Tensor x = at::ones({30, 30}, at::kFloat).requires_grad_();
  const at::Tensor y = Dropout(3)(x, 0.4);
  y.sum().backward();
  CHECK(x.grad().equal(y.detach()));
}

TEST_CASE("no dropout is no operation, and a share of one or more is refused") {
  const at::Tensor x = at::ones({3}, at::kFloat);
  CHECK(Dropout(1)(x, 0).is_same(x));
  CHECK_THROWS_WITH(Dropout(1)(x, 1), ContainsSubstring("`p` of dropout must be in [0, 1), but is 1.0"));
  CHECK_THROWS_AS(Dropout(1)(x, -0.1), std::invalid_argument);
}
