#include "lmtx/train/targets.h"

#include <cmath>

#include "catch.h"
#include "lmtx/detail/random.h"

using namespace lmtx;

namespace {

TrainerOptions shifted(double yes_rate) {
  TrainerOptions options;
  options.targets = "shifted";
  options.yes_rate = yes_rate;
  return options;
}

// One document a score, label 0.
std::vector<JudgedDocument> scored(const std::vector<double>& scores) {
  std::vector<JudgedDocument> judged;
  for (const double score : scores) judged.push_back({static_cast<int64_t>(judged.size()), {{0, score}}});
  return judged;
}

const JudgedLabel& first(const JudgedDocument& document) { return document.labels[0]; }

double mean_target(const std::vector<JudgedDocument>& judged) {
  double sum = 0;
  for (const JudgedDocument& document : judged) sum += first(document).target;
  return sum / static_cast<double>(judged.size());
}

// A number that the mean of n uniform ones makes: no closed form of Beta is needed for scores that look like it.
double around(double middle, detail::KeyedRandom& random) { return middle + 0.4 * (random.uniform() + random.uniform() + random.uniform() - 1.5) / 1.5; }

}  // namespace

TEST_CASE("hard targets are yes from `yes_above` up and no below") {
  std::vector<JudgedDocument> judged = scored({0.0, 0.49, 0.5, 1.0});
  const TargetSummary summary = assign_targets(judged, {});
  CHECK(summary.positives == 2);
  CHECK(summary.negatives == 2);
  CHECK(summary.soft == 0);
  CHECK(first(judged[1]).target == 0);
  CHECK(first(judged[1]).use == PairUse::negative);
  CHECK(first(judged[2]).target == 1);
  CHECK(first(judged[2]).weight == 1);
  CHECK(first(judged[2]).use == PairUse::positive);
}

TEST_CASE("without a rate a shifted target is the score, cut at .01 and .99") {
  std::vector<JudgedDocument> judged = scored({0.0, 0.05, 0.3, 0.75, 1.0});
  const TargetSummary summary = assign_targets(judged, shifted(0));
  CHECK(summary.shift == 0);
  CHECK(summary.yes_rate == 0);
  CHECK(summary.observed_rate == Approx(0.4));
  const double expected[] = {0.01, 0.05, 0.3, 0.75, 0.99};
  for (size_t i = 0; i < judged.size(); ++i) CHECK(first(judged[i]).target == Approx(expected[i]));
  CHECK(first(judged[0]).use == PairUse::negative);
  CHECK(first(judged[1]).use == PairUse::negative);
  CHECK(first(judged[2]).use == PairUse::soft);
  CHECK(first(judged[2]).weight == Approx(0.4));
  CHECK(first(judged[3]).use == PairUse::positive);
  CHECK(first(judged[3]).weight == 1);
}

TEST_CASE("a slope makes targets surer than the scores") {
  std::vector<JudgedDocument> judged = scored({0.2, 0.8});
  TrainerOptions options = shifted(0);
  options.score_slope = 2;
  assign_targets(judged, options);
  // The square of the odds: 4 : 1 becomes 16 : 1.
  CHECK(first(judged[1]).target == Approx(16.0 / 17));
  CHECK(first(judged[0]).target == Approx(1.0 / 17));
}

TEST_CASE("targets are shifted until their mean is the rate") {
  std::vector<JudgedDocument> judged = scored({0.2, 0.3, 0.4, 0.6, 0.7, 0.9});
  const double rate = GENERATE(0.02, 0.2, 0.5, 0.9);
  const TargetSummary summary = assign_targets(judged, shifted(rate));
  CHECK(summary.yes_rate == rate);
  CHECK(mean_target(judged) == Approx(rate).epsilon(1e-9));
  // All odds change by the same factor.
  for (const JudgedDocument& document : judged) {
    const double p = first(document).score, q = first(document).target;
    CHECK(std::log(q / (1 - q)) - std::log(p / (1 - p)) == Approx(summary.shift));
  }
}

TEST_CASE("the rate is that of the pairs drawn at random, and of all where there are none") {
  std::vector<JudgedDocument> judged = scored({0.3, 0.6, 0.8, 0.9});
  for (const size_t i : {0, 1}) judged[i].labels[0].at_random = true;
  TargetSummary summary = assign_targets(judged, shifted(0.3));
  CHECK(summary.sample == 2);
  CHECK(summary.observed_rate == 0.5);
  CHECK((first(judged[0]).target + first(judged[1]).target) / 2 == Approx(0.3));
  for (JudgedDocument& document : judged) document.labels[0].at_random = false;
  // Counted three times, once, once and not at all.
  judged[0].labels[0].stands_for = 3, judged[3].labels[0].stands_for = 0;
  summary = assign_targets(judged, shifted(0.3));
  CHECK(summary.sample == 3);
  CHECK(summary.observed_rate == Approx(0.4));
  CHECK((3 * first(judged[0]).target + first(judged[1]).target + first(judged[2]).target) / 5 == Approx(0.3));
}

TEST_CASE("the automatic rate is half of what the scores say, of pairs drawn at random a tenth at most") {
  std::vector<JudgedDocument> judged = scored({0.2, 0.3, 0.4, 0.6, 0.7});
  CHECK(assign_targets(judged, shifted(-1)).yes_rate == Approx(0.2));
  for (JudgedDocument& document : judged) document.labels[0].at_random = true;
  CHECK(assign_targets(judged, shifted(-1)).yes_rate == Approx(0.1));
  for (const size_t i : {3, 4}) judged[i].labels[0].score = 0.3;
  judged[0].labels[0].score = 0.6, judged[0].labels[0].stands_for = 0.4;
  CHECK(assign_targets(judged, shifted(-1)).yes_rate == Approx(0.2 / 4.4));
}

TEST_CASE("scores of 0 and 1 alone are not shifted, whatever the rate") {
  std::vector<JudgedDocument> judged = scored({0, 0, 0, 1, 1});
  const TargetSummary summary = assign_targets(judged, shifted(GENERATE(-1.0, 0.05, 0.9)));
  CHECK(summary.yes_rate == 0);
  CHECK(summary.shift == 0);
  CHECK(summary.positives == 2);
  CHECK(summary.negatives == 3);
  CHECK(first(judged[0]).target == Approx(0.01));
  CHECK(first(judged[4]).target == Approx(0.99));
}

TEST_CASE("a rate that is out of reach of the sample leaves finite targets") {
  std::vector<JudgedDocument> judged = scored({0.02, 0.5, 0.5, 1});
  for (const double rate : {1e-6, 1 - 1e-6}) {
    assign_targets(judged, shifted(rate));
    for (const JudgedDocument& document : judged) CHECK((first(document).target >= 0 && first(document).target <= 1));
    CHECK(mean_target(judged) == Approx(rate).epsilon(0.01));
  }
  std::vector<JudgedDocument> none;
  CHECK(assign_targets(none, shifted(-1)).sample == 0);
}

TEST_CASE("positives are the surest yeses whose mean target is .6, and a document's best above .4") {
  std::vector<JudgedDocument> judged = {{0, {{1, 0.9}, {2, 0.45}}}, {1, {{1, 0.6}, {2, 0.45}}}, {2, {{1, 0.45}, {2, 0.45}, {3, 0.3}}}, {3, {{5, 0.38}}}};
  TrainerOptions options = shifted(0);
  options.yes_above = 0.35;
  // Sorted: .9 .6 .45 .45 .45 .45 .38: means .9 .75 .65 .6 .57 .55 .526. The four of .45 stand or fall together: their mean is .55.
  assign_targets(judged, options);
  CHECK(judged[0].labels[0].use == PairUse::positive);
  CHECK(judged[0].labels[1].use == PairUse::soft);
  CHECK(judged[1].labels[0].use == PairUse::positive);
  CHECK(judged[1].labels[1].use == PairUse::soft);
  CHECK(judged[1].labels[1].weight == Approx(0.2));
  // The best of their document.
  CHECK(judged[2].labels[0].use == PairUse::positive);
  CHECK(judged[2].labels[1].use == PairUse::positive);
  CHECK(judged[2].labels[2].use == PairUse::soft);
  CHECK(judged[3].labels[0].use == PairUse::soft);
  options.positive_mean = 0.549;
  assign_targets(judged, options);
  CHECK(judged[0].labels[1].use == PairUse::positive);
  CHECK(judged[3].labels[0].use == PairUse::soft);
}

TEST_CASE("what the teacher calls a no is never a positive") {
  std::vector<JudgedDocument> judged = {{0, {{1, 0.9}, {2, 0.48}}}, {1, {{1, 0.48}}}};
  const TargetSummary summary = assign_targets(judged, shifted(0));
  CHECK(summary.positives == 1);
  CHECK(summary.soft == 2);
}

TEST_CASE("a noisy teacher's yes-rate is brought down, and its yeses stay in order") {
  detail::KeyedRandom random(1);
  std::vector<JudgedDocument> judged;
  for (int64_t i = 0; i < 2000; ++i) judged.push_back({i, {{0, i % 5 < 2 ? around(0.7, random) : around(0.25, random)}}});
  const TargetSummary summary = assign_targets(judged, shifted(0.15));
  CHECK(mean_target(judged) == Approx(0.15).epsilon(1e-6));
  CHECK(summary.positives > 0);
  CHECK(summary.positives < 800);
  CHECK(summary.negatives > 1000);
  double lowest_positive = 1, highest_other = 0;
  for (const JudgedDocument& document : judged) {
    const JudgedLabel& label = first(document);
    if (label.use == PairUse::positive)
      lowest_positive = std::min(lowest_positive, label.score);
    else
      highest_other = std::max(highest_other, label.score);
  }
  // Each is the best of its own document, so that the bar is at a target of .4.
  CHECK(lowest_positive > highest_other);
}
