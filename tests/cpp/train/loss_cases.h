// What the tests of the triplet loss in blocks share, on the CPU and on a card: batches, ties and odd shapes among them.
#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <string>
#include <vector>

#include "catch.h"
#include "lmtx/detail/random.h"
#include "lmtx/train/losses.h"

namespace lmtx::test {

struct LossCase {
  std::string name;
  // float64, each number also a float32.
  at::Tensor documents, labels, is_yes;
  TripletLossOptions options;
  double float_tolerance = 1e-6;
};

struct LossAndGradients {
  double loss = 0;
  at::Tensor documents, labels;
};

inline at::Tensor drawn(int64_t rows, int64_t width, uint64_t key) {
  at::Tensor numbers = at::empty({rows, width}, at::kDouble);
  detail::KeyedRandom random(detail::random_key(key, "rows"));
  double* next = numbers.mutable_data_ptr<double>();
  for (int64_t i = 0; i < rows * width; ++i) next[i] = 2 * random.uniform() - 1;
  return numbers;
}

inline at::Tensor unit_rows(int64_t rows, int64_t width, at::ScalarType dtype, uint64_t key) {
  const at::Tensor numbers = drawn(rows, width, key);
  return (numbers / at::linalg_vector_norm(numbers, 2, {1}, true)).to(at::kFloat).to(dtype);
}

// Small whole numbers, whose products have no rounding in any dtype, so that most cosines are tied.
inline at::Tensor coarse_rows(int64_t rows, int64_t width, uint64_t key) { return drawn(rows, width, key).mul(2).round().div(4); }

inline at::Tensor some_yeses(int64_t batch, double share, uint64_t key) {
  at::Tensor is_yes = at::zeros({batch, batch}, at::kBool);
  detail::KeyedRandom random(detail::random_key(key, "yeses"));
  bool* next = is_yes.mutable_data_ptr<bool>();
  for (int64_t i = 0; i < batch * batch; ++i) next[i] = random.uniform() < share;
  return is_yes;
}

inline std::vector<LossCase> loss_cases() {
  std::vector<LossCase> cases;
  for (const int64_t batch : {1, 2, 5, 31, 33, 64, 100, 257, 600}) {
    const auto key = static_cast<uint64_t>(batch);
    const std::string name = std::to_string(batch) + " rows";
    for (const int64_t k : {1, 3, 10, 40, 1000}) {
      const TripletLossOptions options{.margin = 0.3, .hard_negatives = k, .violator_temperature = 0.1};
      if (batch > 100 && k == 3) continue;
      cases.push_back({name + ", k " + std::to_string(k), unit_rows(batch, 24, at::kDouble, key), unit_rows(batch, 24, at::kDouble, key + 1000),
                       some_yeses(batch, 0.05, key), options});
      cases.push_back(
          {name + " with ties, k " + std::to_string(k), coarse_rows(batch, 4, key), coarse_rows(batch, 4, key + 1000), some_yeses(batch, 0.1, key), options});
    }
    const at::Tensor documents = unit_rows(batch, 24, at::kDouble, key + 2000), labels = unit_rows(batch, 24, at::kDouble, key + 3000);
    const at::Tensor no_yes = at::zeros({batch, batch}, at::kBool), all_yes = at::ones({batch, batch}, at::kBool);
    cases.push_back({name + ", all labels are yeses", documents, labels, all_yes, {}});
    cases.push_back({name + ", no margin", documents, labels, no_yes, {.margin = 0}});
    cases.push_back({name + ", everything violates", documents, labels, no_yes, {.margin = 2, .hard_negatives = 7}});
    cases.push_back({name + ", the same rows", documents, documents, no_yes, {.margin = 0.01}});
    cases.push_back({name + ", nearly a maximum", documents, labels, no_yes, {.violator_temperature = 1e-30}});
    cases.push_back({name + ", nearly a mean", documents, labels, no_yes, {.violator_temperature = 100}});
    cases.push_back({name + ", all tied", at::ones({batch, 4}, at::kDouble) / 2, at::ones({batch, 4}, at::kDouble) / 2, no_yes, {.hard_negatives = 3}});
    cases.push_back({name + ", half the rows are all yes", documents, labels, some_yeses(batch, 0.5, key).logical_or(at::eye(batch, at::kBool)), {}});
  }
  return cases;
}

template <typename Loss>
LossAndGradients evaluate(const LossCase& c, at::TensorOptions where, Loss loss_of) {
  const at::Tensor documents = c.documents.to(where).clone().requires_grad_(), labels = c.labels.to(where).clone().requires_grad_();
  const at::Tensor loss = loss_of(documents, labels);
  loss.backward();
  return {loss.template item<double>(), documents.grad().cpu().to(at::kDouble), labels.grad().cpu().to(at::kDouble)};
}

inline void check_close(const LossAndGradients& found, const LossAndGradients& expected, double tolerance) {
  CHECK(found.loss == Approx(expected.loss).margin(tolerance));
  const auto check = [&](const char* what, const at::Tensor& a, const at::Tensor& b) {
    const at::Tensor difference = (a - b).abs();
    const double largest = difference.max().item<double>();
    const int64_t place = difference.argmax().item<int64_t>();
    INFO(what << " gradient, row " << place / a.size(1) << ", number " << place % a.size(1) << ": expected " << b.reshape({-1})[place].item<double>()
              << ", got " << a.reshape({-1})[place].item<double>());
    CHECK(largest <= tolerance);
  };
  check("documents'", found.documents, expected.documents);
  check("labels'", found.labels, expected.labels);
}

}  // namespace lmtx::test
