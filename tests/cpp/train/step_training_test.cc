#include "lmtx/train/step_training.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/tensor.h>

#include <memory>
#include <vector>

#include "catch.h"
#include "lmtx/train/batch_gradients.h"
#include "lmtx/train/training_key.h"
#include "lmtx/train/training_plan.h"
#include "lmtx/train/triplet_steps.h"
#include "student_task.h"

using namespace lmtx;
using namespace lmtx::test;

namespace {

// The mean squared distance of the cosines from targets; keeps the vectors that it saw.
class SquaredDistance final : public BatchLoss {
 public:
  explicit SquaredDistance(at::Tensor targets) : targets_(std::move(targets)) {}
  at::Tensor loss(const at::Tensor& left, const at::Tensor& right) const override {
    seen_left = left.detach();
    return (at::mm(left, right.t()) - targets_.to(left.scalar_type())).square().mean();
  }
  std::shared_ptr<const BatchLoss> to(at::Device device) const override {
    return device.is_cpu() ? std::shared_ptr<const BatchLoss>(this, [](const BatchLoss*) {}) : std::make_shared<SquaredDistance>(targets_.to(device));
  }
  std::shared_ptr<const BatchLoss> pinned() const override { return std::make_shared<SquaredDistance>(targets_.pin_memory()); }

  mutable at::Tensor seen_left;

 private:
  at::Tensor targets_;
};

// Two left texts and three right ones, the same at every step.
class FewTexts final : public TrainingSteps {
 public:
  int64_t num_steps() const override { return 60; }
  TrainingBatch batch(int64_t t) const override {
    return {.left = {{2, 5, 6, 3}, {2, 7, 3}},
            .right = {{2, 8, 3}, {2, 9, 9, 10, 3}, {2, 11, 3}},
            .loss = std::make_shared<SquaredDistance>(at::tensor({0.9, 0.1, 0.5, 0.2, 0.8, 0.5}).view({2, 3})),
            .dropout_key = static_cast<uint64_t>(t)};
  }
  void add_to(detail::Hasher& key) const override { key.add("few texts"); }
};

}  // namespace

TEST_CASE("a model learns steps of two left and three right texts with a loss of their own") {
  const Task task;
  TrainerOptions options = task.options;
  options.dropout = false;
  const StepTrainingResult result = train_steps({.start = *task.start, .steps = FewTexts(), .options = options});
  CHECK(result.steps == 60);
  CHECK(result.first_loss > 0.05);
  CHECK(result.last_loss < 0.3 * result.first_loss);
}

TEST_CASE("steps of any kind go on from a checkpoint with the same bits") {
  const Task task;
  const FewTexts steps;
  const TemporaryFolder folder;
  std::stop_source source;
  const auto stop_at_20 = [&](const Event& event) {
    if (event.done == 20) source.request_stop();
  };
  const StepTrainingInput input{.start = *task.start, .steps = steps, .options = task.options, .checkpoint_folder = folder / "checkpoints"};
  CHECK_THROWS_AS(train_steps(input, stop_at_20, source.get_token()), Stopped);
  int64_t first = -1;
  const StepTrainingResult resumed = train_steps(input, [&](const Event& event) {
    if (first < 0) first = event.done;
  });
  CHECK(first == 20);
  CHECK(same_weights(*resumed.student, *train_steps({.start = *task.start, .steps = steps, .options = task.options}).student));
}

TEST_CASE("a text that comes twice in a batch gets dropout masks of its own each time") {
  const Task task;
  const std::vector<int32_t> text = {2, 5, 6, 7, 3};
  const auto loss = std::make_shared<SquaredDistance>(at::tensor({0.5, 0.5, 0.5}).view({3, 1}));
  const TrainingBatch batch{.left = {text, text, text}, .right = {text}, .loss = loss};
  // In one part, and each text in its own.
  for (const int64_t budget : {1000, 1}) {
    for (const bool dropout : {false, true}) {
      const auto model = task.start->clone();
      for (auto& [name, parameter] : model->parameters()) at::Tensor(parameter).requires_grad_();
      add_batch_gradients(*model->training_network(), prepare_batch(batch, {.token_budget = budget, .dropout = dropout}, at::kCPU), at::kCPU);
      const at::Tensor& seen = loss->seen_left;
      CHECK(seen[0].equal(seen[1]) == !dropout);
      CHECK(seen[1].equal(seen[2]) == !dropout);
    }
  }
}

// The paper's checkpoints of earlier versions are found again: these digests are of the version that had no other steps.
TEST_CASE("the key of the paper's training is as it always was") {
  const Task task;
  const TrainingPlan plan(task.judged, task.options, 0);
  const auto key = [&](const TrainerOptions& options) {
    const TripletSteps steps(plan, task.texts(), options, 0);
    return detail::hex(training_key(*task.start, steps, options, resolve_computing(options, *task.start)));
  };
  CHECK(key(task.options) == "5d102ecd50d537fdd9a1a676b4d46d50");
  TrainerOptions other = task.options;
  other.train_token_budget = 20;
  other.schedule = "cosine";
  other.warmup = 3;
  CHECK(key(other) == "2b5b9e75852f502147ff11763b73a8f8");
}
