// The losses on all judgments on a card.
#ifdef LMTX_CUDA
#include <ATen/TensorOperators.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAStream.h>

#include <memory>
#include <vector>

#include "catch.h"
#include "judged_cases.h"
#include "lmtx/train/judged_losses.h"
#include "train/card.h"

using namespace lmtx;
using namespace lmtx::test;

namespace {

struct Found {
  double loss = 0;
  at::Tensor left, right;
};

Found evaluate(const JudgedCase& c, const JudgedLossOptions& options, at::TensorOptions where) {
  const auto loss = std::make_shared<JudgedLoss>(c.batch(), options)->to(where.device());
  const at::Tensor left = c.left.to(where).clone().requires_grad_(), right = c.right.to(where).clone().requires_grad_();
  const at::Tensor value = loss->loss(left, right);
  value.backward();
  return {value.item<double>(), left.grad().cpu().to(at::kDouble), right.grad().cpu().to(at::kDouble)};
}

}  // namespace

TEST_CASE("losses on all judgments and their gradients on a card equal those of the CPU") {
  if (!has_card()) return;
  std::vector<JudgedCase> cases = judged_cases();
  cases.push_back(drawn_case(128, 900, 11));
  for (const JudgedCase& c : cases) {
    for (const char* loss : {"decoupled", "soft_decoupled", "listwise", "margin_mse", "bce", "triplet"}) {
      INFO(c.name << ", " << loss);
      const JudgedLossOptions options{.loss = loss, .temperature = 0.2, .decoupled_weight = 0.1, .column_weight = 0.5, .bce_weight = 0.3, .bce_scale = 5};
      const Found expected = evaluate(c, options, at::TensorOptions(at::kDouble)),
                  found = evaluate(c, options, at::TensorOptions(at::kFloat).device(at::kCUDA));
      CHECK(found.loss == Approx(expected.loss).margin(1e-5));
      CHECK((found.left - expected.left).abs().max().item<double>() < 1e-5);
      CHECK((found.right - expected.right).abs().max().item<double>() < 1e-5);
    }
  }
}

TEST_CASE("losses on all judgments never wait for a card") {
  if (!has_card()) return;
  const JudgedCase c = drawn_case(128, 900, 11);
  const at::TensorOptions where = at::TensorOptions(at::kFloat).device(at::kCUDA);
  const at::Tensor left = c.left.to(where).requires_grad_(), right = c.right.to(where).requires_grad_();
  for (const char* loss : {"decoupled", "soft_decoupled", "listwise", "margin_mse", "bce", "triplet"}) {
    INFO(loss);
    const auto pinned = JudgedLoss(c.batch(), {.loss = loss, .bce_weight = 0.3}).pinned();
    pinned->to(where.device())->loss(left, right).backward();
    c10::cuda::warning_state().set_sync_debug_mode(c10::cuda::SyncDebugMode::L_ERROR);
    CHECK_NOTHROW(pinned->to(where.device())->loss(left, right).backward());
    c10::cuda::warning_state().set_sync_debug_mode(c10::cuda::SyncDebugMode::L_DISABLED);
  }
}
#endif
