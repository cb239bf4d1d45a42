// What asking is made of: shares of the budget, the fit of scores, documents that differ.
#include <ATen/TensorOperators.h>
#include <ATen/ops/randn.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "catch.h"
#include "lmtx/detail/random.h"
#include "lmtx/train/farthest_first.h"
#include "lmtx/train/round_budget.h"
#include "lmtx/train/score_fit.h"

using namespace lmtx;

namespace {

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

at::Tensor unit_rows(int64_t n, int64_t dim) {
  const at::Tensor rows = at::randn({n, dim});
  return rows / rows.norm(2, {1}, true);
}

}  // namespace

TEST_CASE("five rounds get 10, 15, 20, 25 and 30 per cent, and what was left over comes on top") {
  std::vector<int64_t> budgets;
  int64_t spent = 0;
  for (int64_t round = 0; round < 5; ++round) {
    budgets.push_back(round_budget(1000, 5, round, spent));
    spent += budgets.back();
  }
  CHECK(budgets == std::vector<int64_t>{100, 150, 200, 250, 300});
  CHECK(round_budget(1000, 5, 1, 60) == 190);
  CHECK(round_budget(1000, 5, 4, 60) == 940);
  CHECK(round_budget(1000, 5, 0, 200) == 0);
  CHECK(round_budget(7, 1, 0, 0) == 7);
}

TEST_CASE("rounds of any number spend the whole budget, each at least as much as the one before") {
  for (const int64_t rounds : {1, 2, 3, 6, 17}) {
    for (const int64_t total : {1, 10, 999, 40000}) {
      int64_t spent = 0, before = 0;
      for (int64_t round = 0; round < rounds; ++round) {
        const int64_t now = round_budget(total, rounds, round, spent);
        CHECK(now + 1 >= before);
        before = now;
        spent += now;
      }
      CHECK(spent == total);
    }
  }
}

TEST_CASE("the fit of scores finds the line that made the targets") {
  std::vector<float> scores, targets;
  detail::KeyedRandom random(1);
  for (int64_t i = 0; i < 20000; ++i) {
    const double score = 0.02 + 0.01 * random.uniform();
    scores.push_back(static_cast<float>(score));
    targets.push_back(random.uniform() < sigmoid(400 * (score - 0.027)) ? 1.0f : 0.0f);
  }
  const ScoreFit fit = ScoreFit::of(scores, targets);
  for (const double score : {0.021, 0.025, 0.027, 0.0295}) CHECK(fit(score) == Approx(sigmoid(400 * (score - 0.027))).margin(0.02));
  CHECK_FALSE(fit.is_flat());
}

TEST_CASE("the fit's mean prediction is near the mean target, also for targets between and scores that part them") {
  const std::vector<float> scores{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  for (const auto& targets :
       {std::vector<float>{.1f, .1f, .2f, .1f, .3f, .3f, .4f, .3f, .6f, .5f, .8f, .7f}, std::vector<float>{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1}}) {
    const ScoreFit fit = ScoreFit::of(scores, targets);
    double predicted = 0, wanted = 0;
    for (size_t i = 0; i < scores.size(); ++i) {
      predicted += fit(scores[i]);
      wanted += targets[i];
    }
    CHECK(predicted == Approx(wanted).margin(0.3));
    CHECK(fit(12) > fit(1) + 0.2);
    CHECK(fit(1e6) <= 1);
  }
}

TEST_CASE("without enough scores, or a slope that rises, the fit is flat at the mean") {
  const std::vector<float> same(20, 0.5f), targets(20, 0.25f), few{.1f, .2f}, of_few{0, 1};
  CHECK(ScoreFit::of({}, {}).is_flat());
  CHECK(ScoreFit::of({}, {})(3) == Approx(0.5));
  CHECK(ScoreFit::of(few, of_few)(0.9) == Approx(0.5));
  CHECK(ScoreFit::of(same, targets)(0.5) == Approx(5.5 / 21));
  std::vector<float> rising, falling;
  for (int64_t i = 0; i < 20; ++i) {
    rising.push_back(static_cast<float>(i));
    falling.push_back(i < 10 ? 1.0f : 0.0f);
  }
  CHECK(ScoreFit::of(rising, falling).is_flat());
  CHECK(ScoreFit::of(rising, std::vector<float>(20, 0.0f))(5) < 0.05);
}

TEST_CASE("farthest first takes the documents that a straightforward search takes") {
  const at::Tensor vectors = unit_rows(60, 5);
  std::vector<int64_t> candidates, known{3, 17};
  for (const int64_t i : detail::permutation(60, 5)) {
    if (std::find(known.begin(), known.end(), i) == known.end()) candidates.push_back(i);
  }
  std::vector<int64_t> expected, all = known;
  while (expected.size() < 20) {
    int64_t best = -1;
    double least = 2;
    for (const int64_t i : candidates) {
      if (std::find(all.begin(), all.end(), i) != all.end()) continue;
      double nearest = -2;
      for (const int64_t j : all) nearest = std::max(nearest, vectors[i].dot(vectors[j]).item<double>());
      if (nearest < least - 1e-7) {
        least = nearest;
        best = i;
      }
    }
    expected.push_back(best);
    all.push_back(best);
  }
  CHECK(farthest_first(vectors, candidates, known, 20) == expected);
}

TEST_CASE("farthest first begins where it is told, also over several blocks, and gives each document once") {
  const at::Tensor vectors = unit_rows(5000, 3);
  const std::vector<int64_t> candidates = detail::permutation(5000, 1);
  CHECK(farthest_first(vectors, candidates, {}, 1) == std::vector<int64_t>{candidates[0]});
  for (const int64_t count : {0, 7, 100, 5000, 6000}) {
    const auto chosen = farthest_first(vectors, candidates, {}, count);
    CHECK(static_cast<int64_t>(chosen.size()) == std::min<int64_t>(count, 5000));
    CHECK(std::set<int64_t>(chosen.begin(), chosen.end()).size() == chosen.size());
  }
  CHECK(farthest_first(vectors, {}, {}, 5).empty());
}
