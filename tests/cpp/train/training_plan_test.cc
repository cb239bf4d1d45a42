#include "lmtx/train/training_plan.h"

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <set>

#include "catch.h"

using namespace lmtx;

namespace {

// Document 10 i has the yeses i and i + 1, and a no; every fourth has noes only.
std::vector<JudgedDocument> judged(int64_t n) {
  std::vector<JudgedDocument> documents;
  for (int64_t i = 0; i < n; ++i) {
    const double yes = i % 4 == 3 ? 0.2 : 0.5;
    documents.push_back({10 * i, {{i, yes}, {i + 1, yes}, {i + 2, 0.49}}});
  }
  return documents;
}

TrainerOptions options_of(int64_t batch_size, int64_t epochs) {
  TrainerOptions options;
  options.batch_size = batch_size;
  options.epochs = epochs;
  return options;
}

std::vector<int64_t> documents_of_epoch(const TrainingPlan& plan, int64_t first, int64_t steps) {
  std::vector<int64_t> documents;
  for (int64_t t = first; t < first + steps; ++t) {
    const TrainingStep step = plan.step(t);
    documents.insert(documents.end(), step.documents.begin(), step.documents.end());
  }
  return documents;
}

}  // namespace

TEST_CASE("an epoch takes every document that has a yes once, each epoch in another order") {
  const auto documents = judged(16);  // 12 of them have a yes
  const TrainingPlan plan(documents, options_of(4, 2), 0);
  REQUIRE(plan.num_steps() == 6);
  CHECK(plan.documents_with_yes() == 12);
  std::vector<int64_t> first = documents_of_epoch(plan, 1, 3), second = documents_of_epoch(plan, 4, 3);
  CHECK(first != second);
  std::sort(first.begin(), first.end());
  std::sort(second.begin(), second.end());
  CHECK(first == plan.documents());
  CHECK(second == plan.documents());
}

TEST_CASE("the last short batch of an epoch is dropped unless it is the only one") {
  const auto documents = judged(16);
  CHECK(TrainingPlan(documents, options_of(5, 3), 0).num_steps() == 6);
  CHECK(TrainingPlan(documents, options_of(128, 3), 0).num_steps() == 3);
  CHECK(TrainingPlan(documents, options_of(128, 3), 0).step(1).documents.size() == 12);
  CHECK(TrainingPlan({}, options_of(128, 3), 0).num_steps() == 0);
}

TEST_CASE("each document of a step comes with one of its yeses") {
  const auto documents = judged(16);
  const TrainingPlan plan(documents, options_of(12, 50), 0);
  std::set<std::pair<int64_t, int64_t>> seen;
  for (int64_t t = 1; t <= plan.num_steps(); ++t) {
    const TrainingStep step = plan.step(t);
    for (size_t i = 0; i < step.documents.size(); ++i) seen.insert({step.documents[i] / 10, step.labels[i]});
  }
  // In 50 epochs each of the two yeses of each of the 12 documents comes up, and nothing else.
  CHECK(seen.size() == 24);
  for (const auto& [document, label] : seen) CHECK((label == document || label == document + 1));
}

TEST_CASE("a step knows which of its labels are a yes of which document") {
  const auto documents = judged(16);
  const TrainingStep step = TrainingPlan(documents, options_of(12, 1), 0).step(1);
  const auto is_yes = step.yeses.matrix();
  for (int64_t i = 0; i < 12; ++i) {
    CHECK(is_yes[i][i].item<bool>());
    for (int64_t j = 0; j < 12; ++j) {
      const int64_t document = step.documents[static_cast<size_t>(i)] / 10, label = step.labels[static_cast<size_t>(j)];
      CHECK(is_yes[i][j].item<bool>() == (label == document || label == document + 1));
    }
  }
}

TEST_CASE("a step depends on seed and cycle, not on what was asked before") {
  const auto documents = judged(40);
  TrainerOptions options = options_of(6, 3);
  const TrainingPlan plan(documents, options, 0), again(documents, options, 0), next_cycle(documents, options, 1);
  const TrainingStep late = plan.step(7);
  plan.step(1);
  CHECK(plan.step(7).documents == late.documents);
  CHECK(again.step(7).documents == late.documents);
  CHECK(again.step(7).labels == late.labels);
  CHECK(next_cycle.step(7).documents != late.documents);
  options.seed = 1;
  CHECK(TrainingPlan(documents, options, 0).step(7).documents != late.documents);
}

TEST_CASE("judged documents and labels that do not rise are refused") {
  const std::vector<JudgedDocument> twice = {{4, {{1, 1}}}, {4, {{2, 1}}}}, falling = {{4, {{2, 1}, {1, 0}}}};
  CHECK_THROWS_WITH(TrainingPlan(twice, {}, 0), "The numbers of judged documents must rise, but 4 comes after 4.");
  CHECK_THROWS_WITH(TrainingPlan(falling, {}, 0), "The labels judged for document 4 must rise, but 1 comes after 2.");
}
