// A student's training on a card.
#ifdef LMTX_CUDA
#include <ATen/Context.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <c10/cuda/CUDAFunctions.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "catch.h"
#include "lmtx/train/batch_gradients.h"
#include "lmtx/train/card.h"
#include "lmtx/train/computing.h"
#include "lmtx/train/targets.h"
#include "lmtx/train/triplet_batch_loss.h"
#include "student_fixtures.h"
#include "student_task.h"
#include "train/card.h"

using namespace lmtx;
using namespace lmtx::test;

namespace {

const at::Device the_card(at::kCUDA, 0);

// Waiting for the card is an error while it lives.
class NoWaiting {
 public:
  NoWaiting() { c10::cuda::warning_state().set_sync_debug_mode(c10::cuda::SyncDebugMode::L_ERROR); }
  ~NoWaiting() { c10::cuda::warning_state().set_sync_debug_mode(c10::cuda::SyncDebugMode::L_DISABLED); }
};

// One vector of all weights, on the CPU.
at::Tensor all_weights(const SentenceModel& model) {
  std::vector<at::Tensor> weights;
  for (const auto& [name, parameter] : model.parameters()) weights.push_back(parameter.detach().cpu().reshape({-1}));
  return at::cat(weights);
}

struct Gradients {
  double loss = 0;
  NamedTensors of;
};

// A batch of the task's documents with their labels.
TrainingBatch some_batch(int64_t size, int64_t longest) {
  TrainingBatch batch;
  std::vector<int64_t> labels;
  detail::KeyedRandom random(5);
  for (int64_t i = 0; i < size; ++i) {
    std::vector<int32_t> document = {2}, label = {2, static_cast<int32_t>(5 + i % 20), 3};
    for (int64_t j = 1 + random.below(longest - 2); j > 0; --j) document.push_back(static_cast<int32_t>(5 + random.below(40)));
    document.push_back(3);
    batch.left.push_back(document), batch.right.push_back(label);
    labels.push_back(i % 20);
  }
  std::vector<std::span<const int64_t>> own;
  for (const int64_t& label : labels) own.emplace_back(&label, 1);
  batch.loss = std::make_shared<TripletBatchLoss>(BatchYeses(labels, own), TripletLossOptions());
  return batch;
}

Gradients gradients_of(const SentenceModel& start, ComputeDtype dtype, const TrainingBatch& batch, const BatchGradientOptions& options) {
  const auto model = start.clone();
  for (auto& [name, parameter] : model->parameters()) at::Tensor(parameter).requires_grad_();
  const auto network = model->training_network(dtype);
  const at::Tensor loss = add_batch_gradients(*network, prepare_batch(batch, options, model->device()), model->device());
  Gradients gradients{loss.item<double>(), {}};
  for (const auto& [name, parameter] : model->parameters()) gradients.of.emplace_back(name, parameter.grad().cpu().to(at::kDouble));
  return gradients;
}

// Each within `tolerance` of the largest number of its gradient.
void check_alike(const Gradients& found, const Gradients& expected, double tolerance) {
  CHECK(found.loss == Approx(expected.loss).margin(tolerance));
  REQUIRE(found.of.size() == expected.of.size());
  double largest = 0;
  for (const auto& [name, gradient] : expected.of) largest = std::max(largest, gradient.abs().max().item<double>());
  for (size_t i = 0; i < found.of.size(); ++i) {
    INFO(found.of[i].first << ": largest of all gradients " << largest << ", of this one " << expected.of[i].second.abs().max().item<double>());
    CHECK(largest_difference(found.of[i].second, expected.of[i].second) < tolerance * largest);
  }
}

}  // namespace

TEST_CASE("loss and gradients of a batch on a card equal those of the CPU, whole and in parts") {
  if (!has_card()) return;
  const auto name = GENERATE(as<std::string>(), "bert", "distilbert", "roberta", "mpnet", "modernbert");
  const fs::path folder = data_folder() / "models" / name;
  if (!fs::exists(folder)) return;
  const auto on_cpu = SentenceModel::load(folder), on_card = SentenceModel::load(folder, the_card);
  TrainingBatch batch = some_batch(16, 14);
  BatchGradientOptions options;
  options.dropout = false;
  const Gradients expected = gradients_of(*on_cpu, ComputeDtype::float32, batch, options);
  for (const int64_t budget : {1, 50, 100000}) {
    options.token_budget = budget;
    INFO(name << ", budget " << budget);
    check_alike(gradients_of(*on_card, ComputeDtype::float32, batch, options), expected, 1e-4);
    const Gradients half = gradients_of(*on_card, ComputeDtype::bfloat16, batch, options);
    CHECK(half.loss == Approx(expected.loss).margin(0.02));
  }
  // Documents and labels in one pass, and in two, where they leave out other numbers of tokens.
  CHECK(prepare_batch(batch, options, the_card).parts.size() == 1);
  batch.left_unpooled = 1;
  CHECK(prepare_batch(batch, options, the_card).parts.size() == 2);
}

TEST_CASE("training on a card never waits for it") {
  if (!has_card()) return;
  Task task(the_card);
  task.options.dtype = GENERATE(as<std::string>(), "float32", "auto");
  task.options.deterministic = GENERATE(false, true);
  task.options.max_gradient_norm = GENERATE(0.0, 1.0);
  task.options.epochs = 6;
  INFO(task.options.dtype << (task.options.deterministic ? ", deterministic" : ""));
  std::optional<NoWaiting> no_waiting;
  const auto train = [&] {
    return task.train({}, [&](const Event& event) {
      if (event.done == 4) no_waiting.emplace();
      if (event.done == event.total - 2) no_waiting.reset();
    });
  };
  CHECK_NOTHROW(train());
  no_waiting.reset();
}

TEST_CASE("training on all judgments never waits for a card, and takes the way that the CPU takes") {
  if (!has_card()) return;
  Task on_cpu, on_card(the_card);
  const auto loss = GENERATE(as<std::string>(), "decoupled", "soft_decoupled", "listwise", "margin_mse", "bce", "triplet");
  on_card.options.deterministic = GENERATE(false, true);
  for (Task* task : {&on_cpu, &on_card}) {
    for (JudgedDocument& document : task->judged) {
      const int64_t own = document.document % 20;
      document.labels = {{.label = own, .score = 0.9}, {.label = (own + 3) % 20, .score = 0.1}, {.label = (own + 7) % 20, .score = 0.3}};
      std::sort(document.labels.begin(), document.labels.end(), [](const auto& a, const auto& b) { return a.label < b.label; });
      document.near = {static_cast<int32_t>((own + 1) % 20), static_cast<int32_t>((own + 2) % 20)};
    }
    task->options.plan = "all_judged";
    task->options.loss = loss;
    task->options.targets = "shifted";
    task->options.column_weight = 0.5;
    task->options.bce_weight = 0.3;
    task->options.decoupled_weight = 0.1;
    task->options.dropout = false;
    task->options.dtype = "float32";
    task->options.epochs = 5;
    assign_targets(task->judged, task->options);
  }
  INFO(loss << (on_card.options.deterministic ? ", deterministic" : ""));
  std::optional<NoWaiting> no_waiting;
  StudentTrainingResult found;
  CHECK_NOTHROW(found = on_card.train({}, [&](const Event& event) {
    if (event.done == 4) no_waiting.emplace();
    if (event.done == event.total - 2) no_waiting.reset();
  }));
  no_waiting.reset();
  const StudentTrainingResult expected = on_cpu.train();
  CHECK(found.steps == expected.steps);
  CHECK(found.first_loss == Approx(expected.first_loss).epsilon(1e-3));
  CHECK(found.last_loss == Approx(expected.last_loss).epsilon(0.05));
  if (on_card.options.deterministic) CHECK(same_weights(*on_card.train().student, *found.student));
}

TEST_CASE("training on a card takes the way that the CPU takes") {
  if (!has_card()) return;
  Task on_cpu, on_card(the_card);
  for (Task* task : {&on_cpu, &on_card}) task->options.dropout = false, task->options.epochs = 20;
  const auto expected = on_cpu.train();
  on_card.options.dtype = "float32";
  const auto single = on_card.train();
  CHECK(single.steps == expected.steps);
  CHECK(single.first_loss == Approx(expected.first_loss).margin(1e-4));
  CHECK(single.last_loss == Approx(expected.last_loss).margin(0.02));
  on_card.options.dtype = "bfloat16";
  const auto half = on_card.train();
  CHECK(half.steps == expected.steps);
  CHECK(half.first_loss == Approx(expected.first_loss).margin(0.02));
  CHECK(half.last_loss < 0.75 * half.first_loss);
  CHECK(half.last_loss == Approx(expected.last_loss).margin(0.06));
  WARN("loss: CPU " << expected.first_loss << " to " << expected.last_loss << ", card float32 " << single.first_loss << " to " << single.last_loss
                    << ", bfloat16 " << half.first_loss << " to " << half.last_loss);
}

TEST_CASE("deterministic training on a card gives the same bits, interrupted or not") {
  if (!has_card()) return;
  Task task(the_card);
  task.options.dtype = GENERATE(as<std::string>(), "float32", "bfloat16");
  task.options.train_token_budget = GENERATE(0, 60);
  task.options.deterministic = true;
  INFO(task.options.dtype << ", budget " << task.options.train_token_budget);
  const auto uninterrupted = task.train();
  CHECK((all_weights(*task.train().student) - all_weights(*uninterrupted.student)).abs().max().item<float>() == 0);
  const TemporaryFolder folder;
  const auto [result, stops] = task.train_with_stops(folder.path(), [&](std::stop_source& source, const fs::path& checkpoints) {
    int64_t steps = 0;
    return task.train(
        checkpoints,
        [&](const Event&) {
          if (++steps == 6) source.request_stop();
        },
        source.get_token());
  });
  CHECK(stops == 4);
  CHECK((all_weights(*result.student) - all_weights(*uninterrupted.student)).abs().max().item<float>() == 0);
  CHECK(result.last_loss == uninterrupted.last_loss);
  CHECK_FALSE(at::globalContext().deterministicAlgorithms());
}

TEST_CASE("a loss on a card that is no number ends training with its step, and is in no checkpoint") {
  if (!has_card()) return;
  Task task(the_card);
  task.options.learning_rate = 1e30;
  const TemporaryFolder folder;
  CHECK_THROWS_WITH(task.train(folder.path()),
                    ContainsSubstring("Training diverged: the loss of step ") && ContainsSubstring("Lower `learning_rate` (now 1e+30)"));
  task.options.dtype = "float32";
  CHECK_THROWS_WITH(task.train(folder.path()), ContainsSubstring("Training diverged: the loss of step "));
}

TEST_CASE("numbers of a card are read when they have arrived") {
  if (!has_card()) return;
  std::vector<card::DeferredNumber> numbers;
  {
    const NoWaiting no_waiting;
    at::Tensor number = at::full({}, 1.0, at::TensorOptions().device(the_card));
    for (int i = 0; i < 100; ++i) {
      numbers.emplace_back(number);
      number = number + 1;
    }
  }
  for (int i = 0; i < 100; ++i) CHECK(numbers[static_cast<size_t>(i)].get() == i + 1);
}
#endif
