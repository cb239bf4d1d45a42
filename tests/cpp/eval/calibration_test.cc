#include "lmtx/eval/calibration.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "catch.h"
#include "judged_pairs.h"
#include "temporary_folder.h"

using namespace lmtx;

namespace {

constexpr double abstained = std::numeric_limits<double>::quiet_NaN();

// The loss of Platt 1999, by the book.
double platt_loss(const JudgedPairs& pairs, double slope, double offset) {
  double yeses = 0, noes = 0;
  const auto weight = [&](size_t i) { return pairs.weights.empty() ? 1.0 : pairs.weights[i]; };
  for (size_t i = 0; i < pairs.scores.size(); ++i) (pairs.gold[i] == 1 ? yeses : noes) += weight(i);
  double loss = 0;
  for (size_t i = 0; i < pairs.scores.size(); ++i) {
    const double score = std::clamp(pairs.scores[i], 1e-6, 1 - 1e-6);
    const double target = pairs.gold[i] == 1 ? (yeses + 1) / (yeses + 2) : 1 / (noes + 2);
    const double p = 1 / (1 + std::exp(-slope * std::log(score / (1 - score)) - offset));
    loss -= weight(i) * (target * std::log(p) + (1 - target) * std::log(1 - p));
  }
  return loss;
}

// The isotonic regression at a score is the highest over starts of the lowest over ends of the mean between them (Robertson, Wright and Dykstra 1988).
double isotonic_by_means(const JudgedPairs& pairs, double at) {
  const auto mean = [&](double low, double high) {
    double sum = 0, count = 0;
    for (size_t i = 0; i < pairs.scores.size(); ++i) {
      if (pairs.scores[i] < low || pairs.scores[i] > high) continue;
      const double weight = pairs.weights.empty() ? 1.0 : pairs.weights[i];
      sum += weight * pairs.gold[i];
      count += weight;
    }
    return sum / count;
  };
  double highest = 0;
  for (const double low : pairs.scores) {
    if (low > at) continue;
    double lowest = 1;
    for (const double high : pairs.scores) {
      if (high >= at && mean(low, high) >= 0) lowest = std::min(lowest, mean(low, high));
    }
    highest = std::max(highest, lowest);
  }
  return highest;
}

JudgedPairs five_of_each() {
  return {.scores = {.1, .2, .3, .4, .5, .5, .6, .7, .8, .9}, .gold = {0, 0, 0, 0, 0, 1, 1, 1, 1, 1}, .weights = {}, .documents = {}};
}

}  // namespace

TEST_CASE("Platt's sigmoid has the least loss of all around it") {
  for (const bool weighted : {false, true}) {
    const JudgedPairs pairs = make_pairs(300, weighted, weighted);
    const Calibration calibration = Calibration::platt(pairs.view());
    REQUIRE(calibration.sigmoid());
    const auto [slope, offset] = *calibration.sigmoid();
    const double least = platt_loss(pairs, slope, offset);
    for (const double step : {1e-4, 1e-2, 0.5}) {
      for (const auto& [s, o] : {std::pair(step, 0.0), {-step, 0.0}, {0.0, step}, {0.0, -step}, {step, step}, {step, -step}, {-step, step}}) {
        CHECK(platt_loss(pairs, slope + s, offset + o) > least);
      }
    }
  }
}

TEST_CASE("isotonic regression is the max-min of means, with ties and weights") {
  for (const bool weighted : {false, true}) {
    const JudgedPairs pairs = make_pairs(60, 7, weighted);
    const Calibration calibration = Calibration::isotonic(pairs.view());
    for (size_t i = 0; i < pairs.scores.size(); ++i) {
      if (weighted && pairs.weights[i] == 0) continue;
      CHECK(calibration(pairs.scores[i]) == Approx(isotonic_by_means(pairs, pairs.scores[i])).margin(1e-12));
    }
  }
}

TEST_CASE("a calibration never falls, and keeps abstentions") {
  const JudgedPairs pairs = make_pairs(400, 3);
  for (const Calibration& calibration : {Calibration::platt(pairs.view()), Calibration::isotonic(pairs.view()), Calibration::shift(pairs.scores, 0.1)}) {
    double before = 0;
    for (int i = 0; i <= 1000; ++i) {
      const double p = calibration(i / 1000.0);
      CHECK((p >= before && p <= 1));
      before = p;
    }
    CHECK(std::isnan(calibration(abstained)));
    const std::vector<double> applied = calibration.apply(std::vector{0.25, abstained});
    CHECK((applied[0] == calibration(0.25) && std::isnan(applied[1])));
    CHECK_THROWS_WITH(calibration(1.5), "`scores[0]` must be in [0, 1], or NaN for an abstention, but is 1.500000 instead.");
  }
}

TEST_CASE("between two points the line is straight, and beyond them flat") {
  JudgedPairs pairs = five_of_each();
  pairs.scores = {.2, .2, .2, .2, .2, .2, .6, .6, .6, .6};
  const Calibration calibration = Calibration::isotonic(pairs.view());
  CHECK(calibration(0) == Approx(1 / 6.0));
  CHECK(calibration(.4) == Approx((1 / 6.0 + 1) / 2));
  CHECK(calibration(1) == Approx(1));
}

TEST_CASE("scores that fall with gold, or say nothing, give the mean") {
  JudgedPairs pairs = five_of_each();
  std::reverse(pairs.scores.begin(), pairs.scores.end());
  CHECK(Calibration::platt(pairs.view())(0.9) == Approx(0.5));
  CHECK(Calibration::isotonic(pairs.view())(0.9) == Approx(0.5));
  std::fill(pairs.scores.begin(), pairs.scores.end(), 0.3);
  CHECK(Calibration::platt(pairs.view())(0.9) == Approx(0.5));
}

TEST_CASE("a shift brings the mean to the rate, weighted or not") {
  const JudgedPairs pairs = make_pairs(500, 9, /*weighted=*/true, /*abstained=*/0.1);
  for (const std::vector<double>& weights : {std::vector<double>{}, pairs.weights}) {
    for (const double rate : {0.001, 0.15, 0.9}) {
      const Calibration calibration = Calibration::shift(pairs.scores, rate, weights);
      double sum = 0, count = 0;
      for (size_t i = 0; i < pairs.scores.size(); ++i) {
        if (std::isnan(pairs.scores[i])) continue;
        const double weight = weights.empty() ? 1 : weights[i];
        sum += weight * calibration(pairs.scores[i]);
        count += weight;
      }
      CHECK(sum / count == Approx(rate).epsilon(1e-9));
    }
  }
}

TEST_CASE("few pairs get a sigmoid, and many the better of the two") {
  CHECK(Calibration::fit(make_pairs(999, 1).view()).kind() == CalibrationKind::platt);
  // A step is no sigmoid of the log-odds.
  JudgedPairs step = make_pairs(4000, 2), straight = step;
  detail::KeyedRandom random(5);
  for (size_t i = 0; i < step.scores.size(); ++i) {
    const double p = step.scores[i] < 0.7 ? 0.3 : 0.6;
    step.gold[i] = random.uniform() < p ? 1 : 0;
    // Distinct scores, each as likely true as it says.
    straight.scores[i] = random.uniform();
    straight.gold[i] = random.uniform() < straight.scores[i] ? 1 : 0;
  }
  CHECK(Calibration::fit(step.view()).kind() == CalibrationKind::isotonic);
  CHECK(Calibration::fit(straight.view()).kind() == CalibrationKind::platt);
}

TEST_CASE("too little gold is refused, saying how much there is") {
  JudgedPairs pairs = five_of_each();
  pairs.gold[9] = 0;
  const std::string expected = "A calibration needs at least 5 yeses and as many noes, but the 10 gold pairs with a score have 4 yeses and 6 noes.";
  CHECK_THROWS_WITH(Calibration::platt(pairs.view()), expected);
  CHECK_THROWS_WITH(Calibration::isotonic(pairs.view()), expected);
  pairs.gold[9] = 1;
  pairs.scores[0] = abstained;
  CHECK_THROWS_WITH(Calibration::fit(pairs.view()), ContainsSubstring("the 9 gold pairs with a score have 5 yeses and 4 noes"));
  pairs.scores[0] = 2;
  CHECK_THROWS_WITH(Calibration::platt(pairs.view()), ContainsSubstring("`scores[0]` must be in [0, 1]"));
  pairs.scores[0] = 0;
  pairs.gold[3] = 0.5;
  CHECK_THROWS_WITH(Calibration::platt(pairs.view()), "`gold[3]` must be 0 or 1, but is 0.500000 instead.");
  pairs.gold.pop_back();
  CHECK_THROWS_WITH(Calibration::platt(pairs.view()), "`gold` must have an entry for each of the 10 pairs, but has 9 instead.");
  CHECK_THROWS_WITH(Calibration::shift(pairs.scores, 1), "`yes_rate` must lie between 0 and 1, but is 1.000000 instead.");
  CHECK_THROWS_WITH(Calibration::shift(std::vector{abstained}, 0.5), ContainsSubstring("A shift needs at least one score"));
}

TEST_CASE("a saved calibration is the same, and its identity names its values") {
  const TemporaryFolder folder;
  const JudgedPairs pairs = make_pairs(300, 4), others = make_pairs(300, 5);
  for (const Calibration& calibration :
       {Calibration::platt(pairs.view()), Calibration::isotonic(pairs.view()).for_teacher("llm/1"), Calibration::shift(pairs.scores, 0.1)}) {
    calibration.save(folder.path() / "calibration.json");
    const Calibration loaded = Calibration::load(folder.path() / "calibration.json");
    CHECK(loaded.identity() == calibration.identity());
    CHECK(loaded.describe() == calibration.describe());
    CHECK(loaded.teacher() == calibration.teacher());
    for (int i = 0; i <= 50; ++i) CHECK(loaded(i / 50.0) == calibration(i / 50.0));
  }
  CHECK(Calibration::platt(pairs.view()).identity() != Calibration::platt(others.view()).identity());
  CHECK_THAT(Calibration::platt(pairs.view()).identity(), StartsWith("platt-"));
}

TEST_CASE("files that are no calibration are refused in a line") {
  const TemporaryFolder folder;
  const auto error = [&](const std::string& text) {
    const auto file = folder.write("calibration.json", text);
    try {
      Calibration::load(file);
    } catch (const std::runtime_error& fault) {
      return std::string(fault.what()).substr(file.string().size());
    }
    return std::string("no error");
  };
  CHECK_THAT(error(R"({"format": 2, "kind": "platt"})"), ContainsSubstring("has format 2, but this version of LMTX reads up to format 1"));
  CHECK_THAT(error(R"({"format": 1, "kind": "spline"})"), ContainsSubstring("`kind` must be shift, platt or isotonic, but is `spline` instead."));
  CHECK_THAT(error(R"({"format": 1, "kind": "platt", "slope": -1, "offset": 0})"), ContainsSubstring("`slope` must not be negative"));
  CHECK_THAT(error(R"({"format": 1, "kind": "platt", "slope": 1})"), ContainsSubstring("`offset` must be a number"));
  CHECK_THAT(error(R"({"format": 1, "kind": "isotonic", "x": [0.1, 0.2], "y": [0.5, 0.4]})"), ContainsSubstring("`x` must rise and `y` must not fall"));
  CHECK_THAT(error(R"({"format": 1, "kind": "isotonic", "x": [0.1, 0.2], "y": [0.5]})"), ContainsSubstring("must have the same length"));
  CHECK_THAT(error(R"({"format": 1, "kind": "isotonic", "x": [0.1, 2], "y": [0.5, 1]})"), ContainsSubstring("numbers in [0, 1]"));
  CHECK_THAT(error(R"([1])"), ContainsSubstring("a calibration must be an object"));
  CHECK_THAT(error(R"({"format": 1, "kind": "shift", "offset": 0.5, "slope": 1, "checksum": "0"})"), ContainsSubstring("checksum"));
}
