#include "lmtx/search/fusion.h"

#include <algorithm>
#include <map>
#include <vector>

#include "catch.h"
#include "lmtx/detail/random.h"
#include "lmtx/stopped.h"

using namespace lmtx;

namespace {

// Each list with distinct labels in random order and falling scores, some of them negative; some lists are empty.
RankedLists random_lists(int64_t n, int64_t num_labels, int64_t longest, uint64_t seed) {
  RankedLists lists;
  for (int64_t i = 0; i < n; ++i) {
    const uint64_t key = detail::random_key(seed, "lists", {i});
    const auto labels = detail::permutation(num_labels, key);
    detail::KeyedRandom random(key);
    double score = 8;
    for (int64_t left = random.below(longest + 1), j = 0; j < left; ++j) {
      lists.labels.push_back(labels[j]);
      lists.scores.push_back(static_cast<float>(score -= random.uniform()));
    }
    lists.offsets.push_back(static_cast<int64_t>(lists.labels.size()));
  }
  return lists;
}

// The ranking that `score(source, label's rank from 0)` makes of list i.
template <typename Score>
std::vector<std::pair<double, int64_t>> slow_fusion(const std::vector<RankedLists>& sources, int64_t i, const Score& score) {
  std::map<int64_t, double> sums;
  for (size_t s = 0; s < sources.size(); ++s) {
    const auto labels = sources[s].labels_of(i);
    for (size_t rank = 0; rank < labels.size(); ++rank) sums[labels[rank]] += score(s, rank);
  }
  std::vector<std::pair<double, int64_t>> ranked;
  for (const auto& [label, sum] : sums) ranked.emplace_back(-sum, label);
  std::sort(ranked.begin(), ranked.end());
  return ranked;
}

void check_list(const RankedLists& fused, int64_t i, const std::vector<std::pair<double, int64_t>>& expected, size_t k) {
  const auto labels = fused.labels_of(i);
  REQUIRE(labels.size() == std::min(k, expected.size()));
  std::map<int64_t, double> by_label;
  for (const auto& [negative, label] : expected) by_label[label] = -negative;
  for (size_t rank = 0; rank < labels.size(); ++rank) {
    CHECK(fused.scores_of(i)[rank] == Approx(-expected[rank].first).margin(1e-6));
    CHECK(by_label.at(labels[rank]) == Approx(-expected[rank].first).margin(1e-6));
  }
}

}  // namespace

TEST_CASE("fusion by hand") {
  const RankedLists dense{.offsets = {0, 3, 3}, .labels = {5, 2, 9}, .scores = {0.9f, 0.5f, 0.25f}};
  const RankedLists words{.offsets = {0, 2, 3}, .labels = {9, 7}, .scores = {8, 4}};
  RankedLists both = words;
  both.labels.push_back(1);
  both.scores.push_back(3);

  SECTION("reciprocal ranks") {
    const auto fused = fuse_ranks(std::vector<FusionSource>{{&dense}, {&both}});
    CHECK(fused.offsets == std::vector<int64_t>{0, 4, 5});
    CHECK(fused.labels == std::vector<int64_t>{9, 5, 2, 7, 1});
    const std::vector<double> expected = {1 / 63.0 + 1 / 61.0, 1 / 61.0, 1 / 62.0, 1 / 62.0, 1 / 61.0};
    for (size_t i = 0; i < expected.size(); ++i) CHECK(fused.scores[i] == Approx(expected[i]));
  }
  SECTION("a convex combination") {
    const auto fused = fuse_scores(std::vector<FusionSource>{{&dense, 0.75}, {&both, 0.25, true}});
    CHECK(fused.labels == std::vector<int64_t>{5, 9, 2, 7, 1});
    const std::vector<double> expected = {0.675, 0.25 * 0.75 + 0.25, 0.375, 0.125, 0.25};
    for (size_t i = 0; i < expected.size(); ++i) CHECK(fused.scores[i] == Approx(expected[i]));
  }
  SECTION("the k best only") { CHECK(fuse_ranks(std::vector<FusionSource>{{&dense}, {&both}}, {.k = 2}).labels == std::vector<int64_t>{9, 5, 1}); }
  SECTION("one alone keeps its order") { CHECK(fuse_ranks(std::vector<FusionSource>{{&dense}}).labels == dense.labels); }
}

TEST_CASE("fusion equals adding up in a map") {
  const std::vector<RankedLists> lists = {random_lists(5000, 60, 40, 1), random_lists(5000, 60, 40, 2), random_lists(5000, 60, 40, 3)};
  const std::vector<FusionSource> sources = {{&lists[0], 0.5, false}, {&lists[1], 2, true}, {&lists[2], 0, false}};
  const auto ranks = fuse_ranks(sources, {.k = 25, .rank_constant = 10});
  const auto scores = fuse_scores(sources, {.k = 25});
  for (int64_t i = 0; i < 5000; i += 7) {
    check_list(ranks, i, slow_fusion(lists, i, [&](size_t s, size_t rank) { return sources[s].weight / (11 + static_cast<double>(rank)); }), 25);
    const auto score = [&](size_t s, size_t rank) {
      const auto all = lists[s].scores_of(i);
      return sources[s].weight * all[rank] / (sources[s].divide_by_best && all[0] > 0 ? all[0] : 1);
    };
    check_list(scores, i, slow_fusion(lists, i, score), 25);
  }
}

TEST_CASE("fusion refuses what does not fit together, and stops") {
  const RankedLists one{.offsets = {0, 1}, .labels = {5}, .scores = {1}}, two{.offsets = {0, 1, 1}, .labels = {5}, .scores = {1}};
  const RankedLists twice{.offsets = {0, 2}, .labels = {5, 5}, .scores = {1, 0}}, short_of_scores{.offsets = {0, 1}, .labels = {5}, .scores = {}};
  const auto fuse = [](std::vector<FusionSource> sources, const FusionOptions& options = {}) { return fuse_ranks(sources, options); };
  CHECK_THROWS_WITH(fuse({}), "`sources` must not be empty.");
  CHECK_THROWS_WITH(fuse({{&one}, {&two}}), "`sources` entry 1 must have as many lists as the first, 1, but has 2 instead.");
  CHECK_THROWS_WITH(fuse({{&one}, {&twice}}), "`sources` entry 1 has label 5 twice in a list.");
  CHECK_THROWS_WITH(fuse({{&short_of_scores}}), "`sources` entry 0 must have a score for each of its 1 labels, but has 0 instead.");
  CHECK_THROWS_WITH(fuse({{&one, -1}}), "`sources` entry 0 must have a finite weight from 0 up, but it is -1.000000 instead.");
  CHECK_THROWS_WITH(fuse({{&one}}, {.k = 0}), "`k` must be at least 1, but is 0 instead.");
  CHECK_THROWS_WITH(fuse({{&one}}, {.rank_constant = -1}), "`rank_constant` must be a finite number from 0 up, but is -1.000000 instead.");
  std::stop_source stop;
  stop.request_stop();
  CHECK_THROWS_AS(fuse_scores(std::vector<FusionSource>{{&one}}, {}, stop.get_token()), Stopped);
}
