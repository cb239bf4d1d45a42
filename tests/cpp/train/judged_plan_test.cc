#include "lmtx/train/judged_plan.h"

#include <algorithm>
#include <map>
#include <set>

#include "catch.h"
#include "lmtx/detail/random.h"

using namespace lmtx;

namespace {

// Document 10 i has labels i to i + 4: a positive, a soft one and three noes; of every fourth document all are noes, and every fifth has no positive.
std::vector<JudgedDocument> judged(int64_t n) {
  std::vector<JudgedDocument> documents;
  for (int64_t i = 0; i < n; ++i) {
    JudgedDocument& document = documents.emplace_back(JudgedDocument{10 * i, {}});
    for (int64_t k = 0; k < 5; ++k) {
      JudgedLabel label{.label = i + k, .score = 0, .target = 0.01, .weight = 1, .use = PairUse::negative};
      if (i % 4 != 3 && k == 2 && i % 5 != 4) label.target = 0.9, label.use = PairUse::positive;
      if (i % 4 != 3 && k == 3) label.target = 0.4, label.weight = 0.2, label.use = PairUse::soft;
      document.labels.push_back(label);
    }
    document.near = {static_cast<int32_t>(i + 7), static_cast<int32_t>(i + 2), static_cast<int32_t>(i + 5)};
  }
  return documents;
}

TrainerOptions options_of(int64_t batch_size, int64_t epochs) {
  TrainerOptions options;
  options.plan = "all_judged";
  options.loss = "decoupled";
  options.batch_size = batch_size;
  options.epochs = epochs;
  return options;
}

std::vector<int64_t> documents_of(const JudgedPlan& plan, int64_t first, int64_t steps) {
  std::vector<int64_t> documents;
  for (int64_t t = first; t < first + steps; ++t) {
    const JudgedStep step = plan.step(t);
    documents.insert(documents.end(), step.documents.begin(), step.documents.end());
  }
  return documents;
}

const JudgedDocument& find(const std::vector<JudgedDocument>& documents, int64_t number) { return documents[static_cast<size_t>(number / 10)]; }

bool has(const std::vector<int64_t>& numbers, int64_t number) { return std::find(numbers.begin(), numbers.end(), number) != numbers.end(); }

std::string key_of(const JudgedPlan& plan) {
  detail::Hasher hasher;
  plan.add_to(hasher);
  return detail::hex(hasher.finish());
}

}  // namespace

TEST_CASE("an epoch takes every document with a positive once, in nearly equal batches") {
  const auto documents = judged(40);  // 24 of them have a positive
  const JudgedPlan plan(documents, options_of(9, 2), 0);
  REQUIRE(plan.num_steps() == 6);
  CHECK(plan.num_documents() == 24);
  CHECK(plan.documents_with_positive() == 24);
  std::vector<int64_t> first = documents_of(plan, 1, 3), second = documents_of(plan, 4, 3);
  CHECK(first != second);
  std::sort(first.begin(), first.end());
  std::sort(second.begin(), second.end());
  CHECK(first == second);
  CHECK(std::set<int64_t>(first.begin(), first.end()).size() == 24);
  for (const int64_t number : first) CHECK((number / 10 % 4 != 3 && number / 10 % 5 != 4));
  for (int64_t t = 1; t <= 6; ++t) CHECK(plan.step(t).documents.size() == 8);
  CHECK(JudgedPlan({}, options_of(8, 2), 0).num_steps() == 0);
}

TEST_CASE("all documents that are judged may be taken") {
  auto documents = judged(40);
  documents[8].labels.clear();
  TrainerOptions options = options_of(10, 1);
  options.judged_documents = "all";
  const JudgedPlan plan(documents, options, 0);
  CHECK(plan.num_documents() == 39);
  CHECK(plan.num_steps() == 4);
  const std::vector<int64_t> taken = documents_of(plan, 1, 4);
  CHECK(std::set<int64_t>(taken.begin(), taken.end()).size() == 39);
  for (int64_t t = 1; t <= 4; ++t) CHECK((plan.step(t).documents.size() == 9 || plan.step(t).documents.size() == 10));
}

TEST_CASE("a training is as long as `epochs`, or as `steps` within `max_epochs`") {
  const auto documents = judged(40);  // 3 steps an epoch
  TrainerOptions options = options_of(8, 2);
  const auto steps = [&](int64_t wanted) {
    options.steps = wanted;
    return JudgedPlan(documents, options, 0).num_steps();
  };
  CHECK(steps(0) == 6);
  CHECK(steps(5) == 6);
  CHECK(steps(11) == 11);
  CHECK(steps(30) == 30);
  CHECK(steps(1000) == 30);
  options.epochs = 20;
  CHECK(steps(1000) == 60);
}

TEST_CASE("a step's columns are the labels judged for its documents, and its rows what is known of them") {
  const auto documents = judged(40);
  const JudgedPlan plan(documents, options_of(8, 1), 0);
  for (int64_t t = 1; t <= plan.num_steps(); ++t) {
    const JudgedStep step = plan.step(t);
    std::set<int64_t> expected;
    for (const int64_t number : step.documents) {
      for (const JudgedLabel& label : find(documents, number).labels) expected.insert(label.label);
    }
    CHECK(step.labels == std::vector<int64_t>(expected.begin(), expected.end()));
    REQUIRE(step.rows.size() == step.documents.size());
    for (size_t i = 0; i < step.rows.size(); ++i) {
      const JudgedDocument& document = find(documents, step.documents[i]);
      const JudgedRow& row = step.rows[i];
      REQUIRE(row.judged.size() == document.labels.size());
      for (size_t k = 0; k < row.judged.size(); ++k) {
        const JudgedLabel& label = document.labels[k];
        CHECK(step.labels[static_cast<size_t>(row.judged[k].column)] == label.label);
        CHECK(row.judged[k].target == label.target);
        CHECK(row.judged[k].weight == label.weight);
        CHECK(row.judged[k].use == label.use);
      }
      // Of the near labels those that are columns and not judged: i + 7 and i + 5, not i + 2.
      std::vector<int64_t> near;
      for (const int64_t label : {document.document / 10 + 5, document.document / 10 + 7}) {
        if (has(step.labels, label)) near.push_back(std::lower_bound(step.labels.begin(), step.labels.end(), label) - step.labels.begin());
      }
      CHECK(row.near == near);
      CHECK(row.listed.empty());
    }
  }
}

TEST_CASE("only the first `mask_near` of a shortlist are near") {
  const auto documents = judged(40);
  TrainerOptions options = options_of(40, 1);
  const auto near = [&](int64_t mask_near) {
    options.mask_near = mask_near;
    size_t count = 0;
    for (const JudgedRow& row : JudgedPlan(documents, options, 0).step(1).rows) count += row.near.size();
    return count;
  };
  CHECK(near(0) == 0);
  CHECK(near(1) == near(2));
  CHECK(near(1) > 20);
  CHECK(near(3) > near(2));
  CHECK(near(50) == near(3));
}

TEST_CASE("a cap on labels keeps positives, and draws anew each epoch") {
  std::vector<JudgedDocument> documents(1);
  for (int64_t k = 0; k < 30; ++k) documents[0].labels.push_back({.label = k, .score = 0, .use = k < 10 ? PairUse::positive : PairUse::negative});
  TrainerOptions options = options_of(4, 60);
  options.judged_per_step = 6;
  const JudgedPlan plan(documents, options, 0);
  std::map<int64_t, int64_t> seen;
  for (int64_t t = 1; t <= 60; ++t) {
    const JudgedStep step = plan.step(t);
    CHECK(step.labels.size() == 6);
    CHECK(std::count_if(step.labels.begin(), step.labels.end(), [](int64_t label) { return label < 10; }) == 3);
    for (const int64_t label : step.labels) ++seen[label];
  }
  CHECK(seen.size() == 30);
  // Where noes are too few the rest is positives, and the other way round.
  documents[0].labels.resize(11);
  CHECK(JudgedPlan(documents, options, 0).step(1).labels.size() == 6);
  documents[0].labels.erase(documents[0].labels.begin() + 1, documents[0].labels.begin() + 10);
  for (int64_t k = 40; k < 60; ++k) documents[0].labels.push_back({.label = k, .score = 0, .use = PairUse::negative});
  CHECK(JudgedPlan(documents, options, 0).step(1).labels.size() == 6);
  CHECK(has(JudgedPlan(documents, options, 0).step(1).labels, 0));
}

TEST_CASE("what is known of a document counts in all columns, whoever brought them") {
  // Both documents are judged on labels 0 to 19; of each only two are drawn.
  std::vector<JudgedDocument> documents;
  for (int64_t i = 0; i < 2; ++i) {
    documents.push_back({i, {}});
    for (int64_t k = 0; k < 20; ++k) documents.back().labels.push_back({.label = k, .score = 0, .use = k == 3 * i ? PairUse::positive : PairUse::negative});
  }
  TrainerOptions options = options_of(2, 1);
  options.judged_per_step = 2;
  const JudgedStep step = JudgedPlan(documents, options, 0).step(1);
  CHECK(step.labels.size() >= 3);
  for (const JudgedRow& row : step.rows) CHECK(row.judged.size() == step.labels.size());
}

TEST_CASE("lists take far columns, drawn for each step") {
  const auto documents = judged(40);
  TrainerOptions options = options_of(40, 2);
  options.loss = "listwise";
  options.far_labels = 4;
  const JudgedPlan plan(documents, options, 0);
  const JudgedStep first = plan.step(1), second = plan.step(2);
  std::map<int64_t, std::vector<int64_t>> listed;
  for (size_t i = 0; i < first.rows.size(); ++i) {
    const JudgedRow& row = first.rows[i];
    CHECK(row.listed.size() == 4);
    CHECK(std::is_sorted(row.listed.begin(), row.listed.end()));
    for (const int64_t column : row.listed) {
      CHECK_FALSE(has(row.near, column));
      CHECK(std::none_of(row.judged.begin(), row.judged.end(), [&](const JudgedEntry& entry) { return entry.column == column; }));
    }
    listed[first.documents[i]] = row.listed;
  }
  size_t other = 0;
  for (size_t i = 0; i < second.rows.size(); ++i) other += listed.at(second.documents[i]) != second.rows[i].listed;
  CHECK(other > 20);
}

TEST_CASE("a judged step depends on seed and cycle, not on what was asked before") {
  const auto documents = judged(60);
  TrainerOptions options = options_of(6, 3);
  const JudgedPlan plan(documents, options, 0), again(documents, options, 0), next_cycle(documents, options, 1);
  const JudgedStep late = plan.step(13);
  plan.step(1);
  CHECK(plan.step(13).documents == late.documents);
  CHECK(again.step(13).documents == late.documents);
  CHECK(again.step(13).labels == late.labels);
  CHECK(next_cycle.step(13).documents != late.documents);
  options.seed = 1;
  CHECK(JudgedPlan(documents, options, 0).step(13).documents != late.documents);
}

TEST_CASE("the key of a judged plan is that of all it depends on") {
  const auto documents = judged(20);
  const TrainerOptions options = options_of(6, 3);
  const std::string key = key_of(JudgedPlan(documents, options, 0));
  CHECK(key_of(JudgedPlan(documents, options, 0)) == key);
  CHECK(key_of(JudgedPlan(documents, options, 1)) != key);
  const auto key_with = [&](auto change) {
    auto changed = documents;
    change(changed[5]);
    return key_of(JudgedPlan(changed, options, 0));
  };
  CHECK(key_with([](JudgedDocument& d) { d.labels[0].target = 0.02; }) != key);
  CHECK(key_with([](JudgedDocument& d) { d.labels[0].weight = 0.5; }) != key);
  CHECK(key_with([](JudgedDocument& d) { d.labels[0].use = PairUse::soft; }) != key);
  CHECK(key_with([](JudgedDocument& d) { d.labels.pop_back(); }) != key);
  CHECK(key_with([](JudgedDocument& d) { d.near[0] = 1; }) != key);
}

TEST_CASE("judged documents that do not rise are refused by every plan") {
  std::vector<JudgedDocument> documents = judged(3);
  documents[1].document = 0;
  CHECK_THROWS_WITH(JudgedPlan(documents, options_of(2, 1), 0), "The numbers of judged documents must rise, but 0 comes after 0.");
}
