// The triplet loss on a card.
#ifdef LMTX_CUDA
#include <ATen/Context.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAStream.h>

#include <chrono>

#include "catch.h"
#include "loss_cases.h"
#include "train/card.h"

using namespace lmtx;
using namespace lmtx::test;

namespace {

const at::TensorOptions on_card = at::TensorOptions().dtype(at::kFloat).device(at::kCUDA);

}  // namespace

TEST_CASE("the loss on a card and its gradients equal those of the CPU") {
  if (!has_card()) return;
  for (const LossCase& c : loss_cases()) {
    INFO(c.name);
    const BatchYeses yeses = BatchYeses::from_matrix(c.is_yes);
    const LossAndGradients expected =
        evaluate(c, at::kDouble, [&](const at::Tensor& d, const at::Tensor& l) { return triplet_loss_at_once(d, l, c.is_yes, c.options); });
    check_close(evaluate(c, on_card, [&](const at::Tensor& d, const at::Tensor& l) { return triplet_loss(d, l, yeses, c.options); }), expected,
                c.float_tolerance);
    for (const int64_t block : {1, 7}) {
      if (c.documents.size(0) > 100 && block == 1) continue;
      check_close(
          evaluate(c, on_card, [&](const at::Tensor& d, const at::Tensor& l) { return triplet_loss_in_blocks(d, l, yeses.to(d.device()), c.options, block); }),
          expected, c.float_tolerance);
    }
  }
}

TEST_CASE("the loss on a card is the same bits twice") {
  if (!has_card()) return;
  for (const LossCase& c : loss_cases()) {
    if (c.documents.size(0) < 257) continue;
    const BatchYeses yeses = BatchYeses::from_matrix(c.is_yes);
    const auto loss = [&](const at::Tensor& d, const at::Tensor& l) { return triplet_loss(d, l, yeses, c.options); };
    const LossAndGradients first = evaluate(c, on_card, loss), again = evaluate(c, on_card, loss);
    INFO(c.name);
    CHECK(first.loss == again.loss);
    CHECK(first.documents.equal(again.documents));
    CHECK(first.labels.equal(again.labels));
  }
}

TEST_CASE("a number that is none makes the loss on a card none") {
  if (!has_card()) return;
  at::Tensor documents = unit_rows(40, 8, at::kFloat, 1), labels = unit_rows(40, 8, at::kFloat, 2);
  documents[3][0] = std::numeric_limits<float>::quiet_NaN();
  const BatchYeses yeses = BatchYeses::from_matrix(at::zeros({40, 40}, at::kBool));
  CHECK(std::isnan(triplet_loss(documents.cuda(), labels.cuda(), yeses).item<double>()));
}

TEST_CASE("the loss of 8,192 documents takes little memory of a card") {
  if (!has_card()) return;
  const int64_t batch = 8192, dim = 768;
  std::vector<int64_t> numbers;
  std::vector<std::span<const int64_t>> own;
  for (int64_t i = 0; i < batch; ++i) numbers.push_back(i % 5000);
  for (int64_t i = 0; i < batch; ++i) own.emplace_back(numbers.data() + i, 1);
  const BatchYeses yeses(numbers, own);
  const at::Tensor documents = unit_rows(batch, dim, at::kFloat, 1).cuda().requires_grad_(),
                   labels = unit_rows(batch, dim, at::kFloat, 2).cuda().requires_grad_();
  for (int round = 0; round < 3; ++round) {
    documents.mutable_grad().reset(), labels.mutable_grad().reset();
    c10::cuda::CUDACachingAllocator::resetPeakStats(documents.get_device());
    const auto stats = [&] { return c10::cuda::CUDACachingAllocator::getDeviceStats(documents.get_device()).allocated_bytes[0]; };
    const int64_t before = stats().current;
    c10::cuda::getCurrentCUDAStream().synchronize();
    const auto begin = std::chrono::steady_clock::now();
    const at::Tensor loss = triplet_loss(documents, labels, yeses);
    loss.backward();
    c10::cuda::getCurrentCUDAStream().synchronize();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    const int64_t more = stats().peak - before;
    WARN("loss and gradients of 8,192 documents: " << seconds * 1e3 << " ms, " << more / (1 << 20) << " MiB");
    CHECK(std::isfinite(loss.item<double>()));
    // Its gradients before and behind the scaling, and a block of 1,024 rows.
    CHECK(more < 5 * batch * dim * 4 + 2 * 1024 * batch * 4);
  }
}
#endif
