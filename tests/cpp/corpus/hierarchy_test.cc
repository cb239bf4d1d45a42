// Broader and narrower labels, against reachability computed by squaring a matrix of booleans.
#include "lmtx/corpus/hierarchy.h"

#include <algorithm>
#include <set>

#include "catch.h"
#include "lmtx/corpus/label_set.h"
#include "lmtx/detail/random.h"

using namespace lmtx;

namespace {

LabelSet make_labels(const std::vector<std::vector<std::string>>& broader) {
  std::vector<Label> labels;
  for (size_t i = 0; i < broader.size(); ++i) {
    const std::string uid = std::to_string(i);
    labels.push_back({.uid = uid, .name = "n" + uid, .description = {}, .other_names = {}, .broader = broader[i]});
  }
  return LabelSet(labels);
}

// Broader labels have smaller numbers: no circles.
LabelSet random_labels(int64_t count, uint64_t seed) {
  detail::KeyedRandom random(detail::random_key(seed, "hierarchy"));
  std::vector<std::vector<std::string>> broader(static_cast<size_t>(count));
  for (int64_t i = 1; i < count; ++i) {
    for (int64_t links = random.below(3); links > 0; --links) broader[i].push_back(std::to_string(random.below(i)));
  }
  return make_labels(broader);
}

using Matrix = std::vector<std::vector<bool>>;

// above[i][j]: j can be reached from i.
Matrix reachable(const LabelSet& labels) {
  const auto n = static_cast<size_t>(labels.size());
  Matrix above(n, std::vector<bool>(n));
  for (size_t i = 0; i < n; ++i) {
    for (const std::string& uid : labels[static_cast<int64_t>(i)].broader) above[i][*labels.find(uid)] = true;
  }
  for (size_t k = 0; k < n; ++k) {
    for (size_t i = 0; i < n; ++i) {
      for (size_t j = 0; j < n; ++j) above[i][j] = above[i][j] || (above[i][k] && above[k][j]);
    }
  }
  return above;
}

std::vector<int64_t> sorted(std::vector<int64_t> numbers) {
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

}  // namespace

TEST_CASE("ancestors and descendants are what can be reached") {
  for (uint64_t seed = 0; seed < 5; ++seed) {
    const LabelSet labels = random_labels(40, seed);
    const Hierarchy hierarchy(labels);
    const Matrix above = reachable(labels);
    for (int64_t i = 0; i < labels.size(); ++i) {
      std::vector<int64_t> up, down;
      for (int64_t j = 0; j < labels.size(); ++j) {
        if (above[i][j]) up.push_back(j);
        if (above[j][i]) down.push_back(j);
      }
      CHECK(sorted(hierarchy.ancestors(i)) == up);
      CHECK(sorted(hierarchy.descendants(i)) == down);
    }
  }
}

TEST_CASE("ancestors and descendants come nearest first, then by number") {
  // 4 below 3 and 1; 3 below 2, 2 below 0; 1 below 0.
  const Hierarchy hierarchy(make_labels({{}, {"0"}, {"0"}, {"2"}, {"3", "1", "3"}}));
  CHECK(hierarchy.ancestors(4) == std::vector<int64_t>{1, 3, 0, 2});
  CHECK(hierarchy.descendants(0) == std::vector<int64_t>{1, 2, 3, 4});
  CHECK(std::vector<int64_t>(hierarchy.broader(4).begin(), hierarchy.broader(4).end()) == std::vector<int64_t>{1, 3});
  CHECK(std::vector<int64_t>(hierarchy.narrower(0).begin(), hierarchy.narrower(0).end()) == std::vector<int64_t>{1, 2});
  CHECK(hierarchy.depth(0) == 0);
  CHECK(hierarchy.depth(3) == 2);
  CHECK(hierarchy.depth(4) == 2);
  CHECK_THROWS_WITH(hierarchy.depth(5), "A label number must be in [0, 5), but is 5 instead.");
}

TEST_CASE("circles and unknown labels are refused by name, or left out") {
  const LabelSet circle = make_labels({{}, {"3", "0"}, {"1"}, {"2"}});
  CHECK_THROWS_WITH(Hierarchy(circle), "The broader labels lead round in a circle: `1` -> `3` -> `2` -> `1`.");
  const Hierarchy opened(circle, {.ignore_cycles = true});
  CHECK(opened.ancestors(1) == std::vector<int64_t>{0, 3, 2});
  CHECK(opened.ancestors(2).empty());
  CHECK_THROWS_WITH(Hierarchy(make_labels({{"0"}})), "The broader labels lead round in a circle: `0` -> `0`.");
  const LabelSet unknown = make_labels({{"nowhere"}});
  CHECK_THROWS_WITH(Hierarchy(unknown), "Label `0` has the broader label `nowhere`, which is not among the labels.");
  CHECK(Hierarchy(unknown, {.ignore_unknown = true}).ancestors(0).empty());
}

TEST_CASE("a long chain of labels needs no deep stack") {
  std::vector<std::vector<std::string>> broader(200'000);
  for (size_t i = 1; i < broader.size(); ++i) broader[i - 1] = {std::to_string(i)};
  const Hierarchy hierarchy(make_labels(broader));
  CHECK(hierarchy.depth(0) == 199'999);
  CHECK(hierarchy.descendants(199'999).size() == 199'999);
}
