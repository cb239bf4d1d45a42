// Students of all judgments, and mixed ones.
#include <ATen/TensorOperators.h>

#include <algorithm>

#include "catch.h"
#include "lmtx/train/mix_models.h"
#include "lmtx/train/targets.h"
#include "student_task.h"

using namespace lmtx;
using namespace lmtx::test;

namespace {

// Each document is judged on its own label, yes, and on three others, no; scores are graded.
class GradedTask : public Task {
 public:
  explicit GradedTask(const std::string& loss) {
    options.plan = "all_judged";
    options.loss = loss;
    options.targets = "shifted";
    for (JudgedDocument& document : judged) {
      const int64_t own = document.document % num_labels;
      document.labels.clear();
      for (const int64_t label : {own, (own + 3) % num_labels, (own + 7) % num_labels, (own + 11) % num_labels})
        document.labels.push_back({.label = label, .score = label == own ? 0.9 : 0.02 * static_cast<double>(label % 4)});
      std::sort(document.labels.begin(), document.labels.end(), [](const auto& a, const auto& b) { return a.label < b.label; });
    }
    assign_targets(judged, options);
  }
};

double largest_gap(const SentenceModel& a, const SentenceModel& b) {
  double largest = 0;
  const NamedTensors left = a.parameters(), right = b.parameters();
  for (size_t i = 0; i < left.size(); ++i) largest = std::max(largest, (left[i].second - right[i].second).abs().max().item<double>());
  return largest;
}

}  // namespace

TEST_CASE("students learn from all judgments with every loss") {
  const auto loss = GENERATE(as<std::string>(), "decoupled", "soft_decoupled", "listwise", "margin_mse", "bce", "triplet");
  GradedTask task(loss);
  task.options.epochs = 8;
  task.options.learning_rate = 3e-3;
  task.options.dropout = false;
  const StudentTrainingResult result = task.train();
  INFO(loss << ": " << result.first_loss << " to " << result.last_loss);
  CHECK(result.steps == 64);
  CHECK(result.documents_with_yes == 60);
  CHECK(result.documents_without_yes == 0);
  CHECK(result.last_loss < 0.8 * result.first_loss);
  CHECK_FALSE(same_weights(*result.student, *task.start));
}

TEST_CASE("a training on all judgments goes on from a checkpoint with the same bits") {
  GradedTask task("listwise");
  task.options.bce_weight = 0.3;
  task.options.judged_per_step = 3;
  task.options.steps = 37;
  const TemporaryFolder folder;
  int64_t stop_at = 5;
  const auto [result, stops] = task.train_with_stops(folder / "checkpoints", [&](std::stop_source& source, const fs::path& checkpoints) {
    return task.train(
        checkpoints,
        [&](const Event& event) {
          if (event.done == stop_at) source.request_stop(), stop_at += 9;
        },
        source.get_token());
  });
  CHECK(stops > 2);
  CHECK(result.steps == 37);
  CHECK(same_weights(*result.student, *task.train().student));
}

TEST_CASE("a checkpoint of other targets is not gone on from") {
  GradedTask task("decoupled");
  const TemporaryFolder folder;
  std::stop_source source;
  const auto stop_at_10 = [&](const Event& event) {
    if (event.done == 10) source.request_stop();
  };
  CHECK_THROWS_AS(task.train(folder / "checkpoints", stop_at_10, source.get_token()), Stopped);
  task.judged[0].labels[0].target = 0.5;
  int64_t first = -1;
  const StudentTrainingResult result = task.train(folder / "checkpoints", [&](const Event& event) {
    if (first < 0) first = event.done;
  });
  CHECK(first == 0);
  CHECK(same_weights(*result.student, *task.train().student));
}

TEST_CASE("without a positive there is no student of all judgments, unless all documents are taken") {
  GradedTask task("bce");
  for (JudgedDocument& document : task.judged) {
    for (JudgedLabel& label : document.labels) label.use = PairUse::negative;
  }
  const StudentTrainingResult result = task.train();
  CHECK_FALSE(result.student);
  CHECK(result.steps == 0);
  CHECK(result.documents_without_yes == 60);
  task.options.judged_documents = "all";
  CHECK(task.train().student);
  CHECK(task.train().documents_without_yes == 60);
}

TEST_CASE("`steps` makes the paper's training longer") {
  Task task;
  task.options.steps = 40;  // 6 an epoch
  task.options.max_epochs = 100;
  CHECK(task.train().steps == 40);
  task.options.max_epochs = 5;
  CHECK(task.train().steps == 30);
  task.options.steps = 10;
  CHECK(task.train().steps == 24);
}

TEST_CASE("a mixed model lies between the base and the tuned one") {
  Task task;
  const auto tuned = task.train().student;
  CHECK(same_weights(*mix_models(*task.start, *tuned, 1), *tuned));
  CHECK(same_weights(*mix_models(*task.start, *tuned, 0), *task.start));
  const auto mixed = mix_models(*task.start, *tuned, 0.25);
  const NamedTensors a = task.start->parameters(), b = tuned->parameters(), c = mixed->parameters();
  for (size_t i = 0; i < a.size(); ++i) CHECK((c[i].second - (0.75 * a[i].second + 0.25 * b[i].second)).abs().max().item<double>() < 1e-6);
  CHECK(largest_gap(*mixed, *task.start) == Approx(0.25 * largest_gap(*tuned, *task.start)).epsilon(1e-3));
  task.options.base_mix = 0.25;
  CHECK(same_weights(*task.train().student, *mixed));
  CHECK_THROWS_WITH(mix_models(*task.start, *tuned, 1.5), "`share` must be in [0, 1], but is 1.500000 instead.");
  const auto other = SentenceModel::load(data_folder() / "models" / "distilbert");
  CHECK_THROWS_WITH(mix_models(*task.start, *other, 0.5), Catch::Contains("The models to mix must have the same weights, but"));
}
