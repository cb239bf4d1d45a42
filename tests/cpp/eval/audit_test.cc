#include "lmtx/eval/audit.h"

#include <cmath>
#include <limits>
#include <vector>

#include "catch.h"
#include "judged_pairs.h"
#include "lmtx/stopped.h"

using namespace lmtx;

namespace {

constexpr double abstained = std::numeric_limits<double>::quiet_NaN();

struct Expected {
  double precision, recall, specificity, f1, auc, brier, calibration_error;
};

// By the definitions, in quadratic time.
Expected by_definition(const JudgedPairs& pairs, double cut, int bins) {
  double tp = 0, fp = 0, fn = 0, tn = 0, squares = 0, total = 0, ordered = 0, comparisons = 0, error = 0;
  const auto weight = [&](size_t i) { return pairs.weights.empty() ? 1.0 : pairs.weights[i]; };
  for (size_t i = 0; i < pairs.scores.size(); ++i) {
    const double s = pairs.scores[i], w = weight(i);
    if (std::isnan(s)) continue;
    (s >= cut ? (pairs.gold[i] == 1 ? tp : fp) : (pairs.gold[i] == 1 ? fn : tn)) += w;
    squares += w * (s - pairs.gold[i]) * (s - pairs.gold[i]);
    total += w;
    for (size_t j = 0; j < pairs.scores.size(); ++j) {
      if (std::isnan(pairs.scores[j]) || pairs.gold[i] != 1 || pairs.gold[j] != 0) continue;
      comparisons += w * weight(j);
      ordered += w * weight(j) * (s > pairs.scores[j] ? 1 : s == pairs.scores[j] ? 0.5 : 0);
    }
  }
  for (int b = 0; b < bins; ++b) {
    double sum = 0;
    for (size_t i = 0; i < pairs.scores.size(); ++i) {
      const double s = pairs.scores[i];
      if ((s > b * (1.0 / bins) || (b == 0 && s == 0)) && s <= (b + 1 == bins ? 1.0 : (b + 1) * (1.0 / bins))) sum += weight(i) * (s - pairs.gold[i]);
    }
    error += std::abs(sum);
  }
  return {tp / (tp + fp), tp / (tp + fn), tn / (tn + fp), 2 * tp / (2 * tp + fp + fn), ordered / comparisons, squares / total, error / total};
}

}  // namespace

TEST_CASE("an audit is what the definitions say, with ties, weights and abstentions") {
  for (const bool weighted : {false, true}) {
    const JudgedPairs pairs = make_pairs(300, 11, weighted, 0.1);
    for (const double cut : {0.35, 0.5, 0.9}) {
      const Audit found = audit(pairs.view(), {.cut = cut, .bins = 7, .resamples = 2});
      const Expected expected = by_definition(pairs, cut, 7);
      CHECK(found.precision.value == Approx(expected.precision));
      CHECK(found.recall.value == Approx(expected.recall));
      CHECK(found.specificity.value == Approx(expected.specificity));
      CHECK(found.f1.value == Approx(expected.f1));
      CHECK(found.auc.value == Approx(expected.auc));
      CHECK(found.brier.value == Approx(expected.brier));
      CHECK(found.calibration_error.value == Approx(expected.calibration_error));
    }
  }
}

TEST_CASE("the best cut is the best of all cuts") {
  const JudgedPairs pairs = make_pairs(400, 12, /*weighted=*/true);
  const Audit found = audit(pairs.view(), {.resamples = 1});
  double best = 0;
  for (const double cut : pairs.scores) best = std::max(best, by_definition(pairs, cut, 2).f1);
  CHECK(found.best_f1 == Approx(best));
  CHECK(by_definition(pairs, found.best_cut, 2).f1 == Approx(best));
}

TEST_CASE("pairs of a document are drawn together, so that repeating them narrows nothing") {
  JudgedPairs once = make_pairs(150, 13);
  for (size_t i = 0; i < once.documents.size(); ++i) once.documents[i] = static_cast<int64_t>(i);
  JudgedPairs repeated;
  for (int r = 0; r < 10; ++r) {
    for (auto list : {&JudgedPairs::scores, &JudgedPairs::gold}) (repeated.*list).insert((repeated.*list).end(), (once.*list).begin(), (once.*list).end());
    repeated.documents.insert(repeated.documents.end(), once.documents.begin(), once.documents.end());
  }
  const Audit one = audit(once.view()), ten = audit(repeated.view());
  CHECK(one.auc.low == Approx(ten.auc.low));
  CHECK(one.precision.high == Approx(ten.precision.high));
  CHECK(one.documents == ten.documents);
  repeated.documents.clear();
  const Audit apart = audit(repeated.view());
  CHECK(apart.auc.high - apart.auc.low < 0.5 * (one.auc.high - one.auc.low));
}

TEST_CASE("a 95 % interval of the AUC holds the true one in about 95 % of repetitions") {
  // Scores of true pairs are uniform on [.2, 1], of others on [0, 1]: AUC = 1 - .8 / 2.
  int covered = 0;
  const int repetitions = 300;
  for (int r = 0; r < repetitions; ++r) {
    detail::KeyedRandom random(detail::random_key(static_cast<uint64_t>(r), "auc"));
    JudgedPairs pairs;
    for (int i = 0; i < 200; ++i) {
      pairs.gold.push_back(random.uniform() < 0.4 ? 1 : 0);
      pairs.scores.push_back(pairs.gold.back() == 1 ? 0.2 + 0.8 * random.uniform() : random.uniform());
    }
    const Interval auc = audit(pairs.view(), {.resamples = 300, .seed = static_cast<uint64_t>(r)}).auc;
    covered += auc.low <= 0.6 && 0.6 <= auc.high;
  }
  // Four standard errors of a share of 0.95 in 300 are 0.05.
  CHECK(covered / static_cast<double>(repetitions) > 0.9);
}

TEST_CASE("what has nothing to divide by is NaN") {
  const std::vector<double> scores = {0.1, abstained, 0.2}, gold = {0, 1, 0};
  const Audit found = audit({.scores = scores, .gold = gold});
  CHECK((std::isnan(found.precision.value) && std::isnan(found.recall.low) && std::isnan(found.auc.value) && std::isnan(found.best_cut)));
  CHECK((found.pairs == 3 && found.abstained == 1 && found.abstention_rate.value == Approx(1 / 3.0)));
  CHECK((found.true_no == 2 && found.specificity.value == 1));
  CHECK(std::isnan(audit({.scores = std::vector{abstained}, .gold = std::vector{1.0}}).brier.value));
}

TEST_CASE("bins say what is said and what is true there") {
  const std::vector<double> scores = {0, 0.5, 0.5, 0.51, 1}, gold = {0, 1, 0, 1, 1};
  const Audit found = audit({.scores = scores, .gold = gold}, {.bins = 2});
  REQUIRE(found.bins.size() == 2);
  CHECK((found.bins[0].weight == 3 && found.bins[0].mean_score == Approx(1 / 3.0) && found.bins[0].share_true == Approx(1 / 3.0)));
  CHECK((found.bins[1].weight == 2 && found.bins[1].mean_score == Approx(0.755) && found.bins[1].share_true == 1));
}

TEST_CASE("an audit names what is wrong with its arguments") {
  const std::vector<double> scores = {0.5, 0.25}, gold = {1, 0}, one = {1};
  CHECK_THROWS_WITH(audit({.scores = scores, .gold = one}), "`gold` must have an entry for each of the 2 pairs, but has 1 instead.");
  CHECK_THROWS_WITH(audit({.scores = scores, .gold = gold, .weights = std::vector{1.0, -1.0}}),
                    "`weights[1]` must be finite and 0 or more, but is -1.000000 instead.");
  CHECK_THROWS_WITH(audit({.scores = scores, .gold = gold, .documents = std::vector<int64_t>{1}}),
                    ContainsSubstring("`documents` must have an entry for each of the 2 pairs"));
  CHECK_THROWS_WITH(audit({.scores = {}, .gold = {}}), ContainsSubstring("at least one pair"));
  CHECK_THROWS_WITH(audit({.scores = scores, .gold = gold}, {.bins = 0}), "`bins` must be at least 1, but is 0 instead.");
  CHECK_THROWS_WITH(audit({.scores = scores, .gold = gold}, {.resamples = 0}), ContainsSubstring("`resamples` must be at least 1"));
  std::stop_source stop;
  stop.request_stop();
  CHECK_THROWS_AS(audit({.scores = scores, .gold = gold}, {}, stop.get_token()), Stopped);
}
