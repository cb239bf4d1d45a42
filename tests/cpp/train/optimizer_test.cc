#include "lmtx/train/optimizer.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>

#include <cmath>

#include "catch.h"
#include "student_fixtures.h"

using namespace lmtx;
using namespace lmtx::test;

namespace {

constexpr int64_t steps = 1000;
constexpr double rate = 2e-4;

}  // namespace

TEST_CASE("the learning rate rises to its peak and falls to zero at the last step") {
  CHECK(learning_rate_at(1, steps, rate, 100) == Approx(rate / 100));
  CHECK(learning_rate_at(50, steps, rate, 100) == Approx(rate / 2));
  CHECK(learning_rate_at(100, steps, rate, 100) == rate);
  CHECK(learning_rate_at(550, steps, rate, 100) == Approx(rate / 2));
  CHECK(learning_rate_at(steps, steps, rate, 100) == 0);
}

TEST_CASE("a run that ends inside the warm-up keeps rising") {
  CHECK(learning_rate_at(30, 30, rate, 100) == Approx(rate * 0.3));
  CHECK(learning_rate_at(100, 100, rate, 100) == rate);
}

TEST_CASE("a warm-up below 1 is a share of the steps, rounded up") {
  CHECK(learning_rate_at(2, 7, rate, 0.2) == rate);
  CHECK(learning_rate_at(1, 7, rate, 0.2) == Approx(rate / 2));
  CHECK(learning_rate_at(1, 1, rate, 0.2) == rate);
}

TEST_CASE("without warm-up the rate only falls") {
  CHECK(learning_rate_at(1, 4, rate, 0) == Approx(rate * 0.75));
  CHECK(learning_rate_at(4, 4, rate, 0) == 0);
}

TEST_CASE("after the warm-up the rate falls in half a wave, or stays") {
  CHECK(learning_rate_at(50, steps, rate, 100, "cosine") == Approx(rate / 2));
  CHECK(learning_rate_at(100, steps, rate, 100, "cosine") == Approx(rate));
  CHECK(learning_rate_at(325, steps, rate, 100, "cosine") == Approx(rate * (1 + std::sqrt(0.5)) / 2));
  CHECK(learning_rate_at(550, steps, rate, 100, "cosine") == Approx(rate / 2));
  CHECK(learning_rate_at(steps, steps, rate, 100, "cosine") == 0);
  CHECK(learning_rate_at(50, steps, rate, 100, "constant") == Approx(rate / 2));
  CHECK(learning_rate_at(steps, steps, rate, 100, "constant") == rate);
}

TEST_CASE("the rate may fall to a share of its peak") {
  CHECK(learning_rate_at(50, steps, rate, 100, "linear", 0.1) == Approx(rate / 2));
  CHECK(learning_rate_at(100, steps, rate, 100, "linear", 0.1) == Approx(rate));
  CHECK(learning_rate_at(550, steps, rate, 100, "linear", 0.1) == Approx(rate * 0.55));
  CHECK(learning_rate_at(steps, steps, rate, 100, "linear", 0.1) == Approx(rate * 0.1));
  CHECK(learning_rate_at(550, steps, rate, 100, "cosine", 0.2) == Approx(rate * 0.6));
  CHECK(learning_rate_at(steps, steps, rate, 100, "constant", 0.2) == rate);
}

TEST_CASE("a gradient longer than its limit is scaled down to it over all parameters") {
  // A large epsilon, so that the update shows the length of the gradient.
  const auto moved = [](double limit, double factor) {
    const at::Tensor a = at::ones({2}, at::kDouble), b = at::ones({1}, at::kDouble), without = at::ones({1}, at::kDouble);
    AdamW optimizer({a, b, without}, {.epsilon = 1, .max_gradient_norm = limit});
    a.mutable_grad() = at::tensor({2.0, -4.0}, at::kDouble) * factor;
    b.mutable_grad() = at::tensor({4.0}, at::kDouble) * factor;
    optimizer.step(0.1);
    return at::cat({a, b, without});
  };
  // The norm is 6.
  CHECK(largest_difference(moved(3, 1), moved(0, 3 / (6 + 1e-6))) < 1e-14);
  CHECK(largest_difference(moved(3, 1), moved(0, 1)) > 1e-3);
  CHECK(moved(6.1, 1).equal(moved(0, 1)));
}

TEST_CASE("ten steps of AdamW equal those of torch.optim.AdamW") {
  const detail::Json fixture = detail::read_json(data_folder() / "train" / "adamw.json");
  const auto shapes = fixture["shapes"].get<std::vector<std::vector<int64_t>>>();
  const auto [dtype, tolerance] = GENERATE(table<at::ScalarType, double>({{at::kDouble, 1e-12}, {at::kFloat, 1e-6}}));
  for (const detail::Json& c : fixture["cases"]) {
    INFO(c["name"]);
    std::vector<at::Tensor> parameters;
    for (size_t i = 0; i < shapes.size(); ++i) parameters.push_back(tensor_of(c["start"][i], shapes[i]).to(dtype));
    AdamW optimizer(parameters, {.epsilon = c["epsilon"], .weight_decay = c["weight_decay"]});
    const int64_t num_steps = static_cast<int64_t>(c["steps"].size());
    for (int64_t t = 1; t <= num_steps; ++t) {
      const detail::Json& expected = c["steps"][static_cast<size_t>(t - 1)];
      const double now = learning_rate_at(t, num_steps, c["rate"], c["warmup"]);
      CHECK(now == Approx(expected["rate"].get<double>()).margin(1e-15));
      for (size_t i = 0; i < shapes.size(); ++i) parameters[i].mutable_grad() = tensor_of(expected["gradients"][i], shapes[i]).to(dtype);
      optimizer.step(now);
      for (size_t i = 0; i < shapes.size(); ++i) CHECK(largest_difference(parameters[i], tensor_of(expected["parameters"][i], shapes[i])) < tolerance);
    }
    CHECK(optimizer.num_steps() == num_steps);
  }
}

TEST_CASE("a parameter without a gradient counts as having a zero one, and gradients are dropped") {
  at::Tensor with_zero = at::ones({3}), without = at::ones({3});
  AdamW a({with_zero}), b({without});
  for (const double gradient : {1.0, 0.0, 0.0}) {
    with_zero.mutable_grad() = at::ones({3}) * gradient;
    if (gradient != 0) without.mutable_grad() = at::ones({3}) * gradient;
    a.step(0.1);
    b.step(0.1);
    CHECK_FALSE(with_zero.grad().defined());
  }
  CHECK(with_zero.equal(without));
  CHECK(without[0].item<double>() < 0.8);
}
