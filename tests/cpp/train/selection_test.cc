#include "lmtx/train/selection.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "catch.h"
#include "lmtx/detail/random.h"
#include "lmtx/train/development_set.h"

using namespace lmtx;

namespace {

constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

std::vector<int64_t> labels_of(const AskedPairs& pairs, int64_t document) {
  std::vector<int64_t> labels;
  for (const AskedPair& pair : pairs.of_document(document)) labels.push_back(pair.label);
  return labels;
}

// 200 documents, of which the first `yeses` have a good first label.
std::vector<double> with_yeses(int64_t yeses) {
  std::vector<double> targets(200, 0.1);
  std::fill(targets.begin(), targets.begin() + yeses, 0.9);
  return targets;
}

// The base encoder and a student of each cycle.
std::vector<Candidate> cycles(const std::vector<std::vector<double>>& targets) {
  std::vector<Candidate> candidates;
  for (const auto& of_candidate : targets) candidates.push_back({static_cast<int64_t>(candidates.size()) - 1, 0, of_candidate});
  return candidates;
}

}  // namespace

TEST_CASE("as many documents are held out as a share of the budget pays for, within limits") {
  CHECK(held_out_size(4000, 40000) == 640);
  CHECK(held_out_size(4000, 100000) == 800);
  CHECK(held_out_size(4000, 1000) == 150);
  CHECK(held_out_size(4000, std::nullopt) == 800);
  CHECK(held_out_size(400, 40000) == 100);
  CHECK(held_out_size(3, 40000) == 0);
}

TEST_CASE("so many documents are held out, drawn by the seed") {
  const std::vector<bool> texts(100);
  const DocumentSplit split = hold_out(texts, {}, 25, 1);
  CHECK(split.development.size() == 25);
  CHECK(split.training.size() == 75);
  CHECK(hold_out(texts, {}, 25, 2).development != split.development);
  CHECK(split_documents(texts, {}, 25, 1).development.size() == 10);
}

TEST_CASE("questions on held-out documents are the first labels of every ranking, each once, without what is known") {
  const std::vector<int64_t> documents{4, 9};
  const std::vector<RankedLabels> rankings{{{7, 1, 2}, {5, 6, 3}}, {{1, 8, 7}, {5}}};
  const std::vector<PastPair> known{{4, 8, 0.5f}, {9, 6, std::numeric_limits<float>::quiet_NaN()}};
  const AskedPairs two = held_out_questions(documents, rankings, known, 2, 100);
  CHECK(labels_of(two, 4) == std::vector<int64_t>{7, 1});
  CHECK(labels_of(two, 9) == std::vector<int64_t>{5});
  const AskedPairs three = held_out_questions(documents, rankings, known, 3, 100);
  CHECK(labels_of(three, 4) == std::vector<int64_t>{7, 1, 2});
  CHECK(labels_of(three, 9) == std::vector<int64_t>{5, 3});
  CHECK_THROWS_WITH(held_out_questions(std::vector<int64_t>{4}, rankings, known, 2, 100), Catch::Contains("must have a list for each of the 1 documents"));
}

TEST_CASE("a limit goes to first labels of all documents before second ones of any") {
  const std::vector<int64_t> documents{0, 1, 2};
  const std::vector<RankedLabels> rankings{{{10, 11}, {10, 11}, {10, 11}}, {{12, 13}, {10, 13}, {12, 13}}};
  const AskedPairs pairs = held_out_questions(documents, rankings, {}, 2, 6);
  CHECK(labels_of(pairs, 0) == std::vector<int64_t>{10, 12, 11});
  CHECK(labels_of(pairs, 1) == std::vector<int64_t>{10});
  CHECK(labels_of(pairs, 2) == std::vector<int64_t>{10, 12});
  CHECK(held_out_questions(documents, rankings, {}, 2, 0).num_pairs() == 0);
  // The second ranking waits.
  const AskedPairs waiting = held_out_questions(documents, rankings, {}, 2, 4, 1);
  CHECK(labels_of(waiting, 0) == std::vector<int64_t>{10, 12});
  CHECK(labels_of(waiting, 2) == std::vector<int64_t>{10});
}

TEST_CASE("a ranking's worth is the mean target of its first labels, where they have one") {
  const std::vector<int64_t> documents{4, 9, 10, 11};
  const std::vector<PastPair> verdicts{{4, 7, 0.25f}, {9, 5, 0.75f}, {9, 6, 1.0f}, {10, 1, std::numeric_limits<float>::quiet_NaN()}};
  const auto targets = first_targets(documents, {{7, 1}, {5, 6}, {1}, {}}, verdicts);
  CHECK(targets[0] == 0.25);
  CHECK(targets[1] == 0.75);
  CHECK(std::isnan(targets[2]));
  CHECK(std::isnan(targets[3]));
  CHECK(expected_precision(targets)->value == 0.5);
  CHECK_FALSE(expected_precision(std::vector<double>{unknown}).has_value());
}

TEST_CASE("a student takes the best one's place only where it is better with confidence") {
  CHECK(select_student(cycles({with_yeses(80), with_yeses(100)}), {}).best == 1);
  CHECK(select_student(cycles({with_yeses(80), with_yeses(80)}), {}).best == 0);
  CHECK(select_student(cycles({with_yeses(80), with_yeses(60)}), {}).best == 0);
  CHECK(select_student({}, {}).best == 0);
  // Better on 12 documents, worse on 10: as likely by chance.
  std::vector<double> mixed = with_yeses(80);
  for (int64_t i = 0; i < 10; ++i) mixed[i] = 0.1;
  for (int64_t i = 100; i < 112; ++i) mixed[i] = 0.9;
  const auto unsure = cycles({with_yeses(80), mixed});
  CHECK(select_student(unsure, {}).best == 0);
  CHECK(select_student(unsure, {.accept_confidence = 0.5}).best == 1);
  const double better = select_student(unsure, {}).better.at(1);
  CHECK((better > 0.5 && better < 0.8));
}

TEST_CASE("a run is over after as many cycles without a gain as patience says") {
  const auto candidates = cycles({with_yeses(80), with_yeses(100), with_yeses(95), with_yeses(100), with_yeses(130)});
  const auto first = [&](size_t n) { return select_student(std::span(candidates).first(n), {}); };
  CHECK_FALSE(first(1).is_over);
  CHECK(first(3).best == 1);
  CHECK(first(3).without_gain == 1);
  CHECK_FALSE(first(3).is_over);
  CHECK(first(4).is_over);
  CHECK(first(4).best == 1);
  CHECK_FALSE(select_student(std::span(candidates).first(4), {.patience = 3}).is_over);
}

TEST_CASE("of one cycle's candidates the best in the mean stands for it, and they count once") {
  std::vector<Candidate> candidates{{-1, 0, with_yeses(80)},   {-1, 0.7, with_yeses(78)}, {0, 0, with_yeses(100)},  {0, 0.35, with_yeses(102)},
                                    {0, 0.7, with_yeses(102)}, {1, 0, with_yeses(90)},    {1, 0.35, with_yeses(91)}};
  const Selected selected = select_student(candidates, {});
  CHECK(selected.best == 3);
  CHECK(selected.without_gain == 1);
  CHECK_FALSE(selected.is_over);
  CHECK(selected.better.size() == 7);
  CHECK(selected.better[2] > 0.99);
  CHECK(selected.better[5] < 0.01);
  // Moving the labels of the base encoder may be all that pays; and is no cycle.
  candidates = {{-1, 0, with_yeses(80)}, {-1, 0.7, with_yeses(100)}, {0, 0, with_yeses(95)}};
  CHECK(select_student(candidates, {}).best == 1);
  CHECK(select_student(candidates, {}).without_gain == 1);
}

TEST_CASE("what is kept is never worse than the base encoder by the verdicts") {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    detail::KeyedRandom random(detail::random_key(seed, "candidates"));
    std::vector<std::vector<double>> targets(5, std::vector<double>(40));
    for (auto& of_candidate : targets) {
      for (double& target : of_candidate) target = random.below(10) == 0 ? unknown : random.uniform();
    }
    const auto& kept = targets[static_cast<size_t>(select_student(cycles(targets), {.accept_confidence = 0.6, .patience = 9}).best)];
    double of_kept = 0, of_base = 0;
    for (size_t i = 0; i < kept.size(); ++i) {
      if (std::isnan(kept[i]) || std::isnan(targets[0][i])) continue;
      of_kept += kept[i];
      of_base += targets[0][i];
    }
    CHECK(of_kept >= of_base);
  }
}

TEST_CASE("a sentence says why the base encoder was kept") {
  const auto candidates = cycles({with_yeses(80), with_yeses(60), with_yeses(70)});
  REQUIRE(select_student(candidates, {}).best == 0);
  CHECK(why_base_was_kept(candidates, {}) ==
        "Training did not pay: on the documents held out no student was better than the base encoder with a probability of 80.0 % or more (the best one, of "
        "cycle 1, has an expected precision@1 of 38.0 % on 200 of them, the base encoder 42.0 %). The tagger carries the base encoder as it was.");
  CHECK_THAT(why_base_was_kept(cycles({{unknown}, {unknown}}), {}), Catch::Contains("as there were no verdicts to compare them by"));
  CHECK_THAT(why_base_was_kept(cycles({{0.5}}), {}), Catch::Contains("There was no student to keep"));
}
