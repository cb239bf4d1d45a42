#include "lmtx/eval/agreement.h"

#include <cmath>
#include <limits>
#include <vector>

#include "catch.h"
#include "judged_pairs.h"

using namespace lmtx;

TEST_CASE("kappa is Cohen's own example") {
  // Fleiss, Levin and Paik: 20 both yes, 5 only the first, 10 only the second, 15 both no: kappa .4.
  std::vector<double> first, second;
  const auto add = [&](int count, double a, double b) {
    first.insert(first.end(), count, a);
    second.insert(second.end(), count, b);
  };
  add(20, 0.9, 0.5);
  add(5, 0.6, 0.3);
  add(10, 0.49, 0.7);
  add(15, 0, 0.1);
  const Agreement found = agree({.first = first, .second = second});
  CHECK((found.both_yes == 20 && found.first_only == 5 && found.second_only == 10 && found.both_no == 15));
  CHECK(found.agreement.value == Approx(0.7));
  CHECK(found.kappa.value == Approx(0.4));
  CHECK(found.difference.value == Approx((20 * 0.4 + 5 * 0.3 + 10 * 0.21 + 15 * 0.1) / 50));
  CHECK(found.lean.value == Approx((20 * 0.4 + 5 * 0.3 - 10 * 0.21 - 15 * 0.1) / 50));
  CHECK((found.kappa.low < 0.4 && found.kappa.high > 0.4));
}

TEST_CASE("judges who agree by chance only have a kappa around 0") {
  const JudgedPairs first = make_pairs(5000, 1), second = make_pairs(5000, 2);
  const Interval kappa = agree({.first = first.scores, .second = second.scores}, {.first_cut = 0.3, .second_cut = 0.8}).kappa;
  CHECK((kappa.low < 0 && kappa.high > 0 && kappa.high < 0.05));
}

TEST_CASE("a judge agrees with itself, with abstentions counted apart") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> first = {0.9, 0.1, nan, 0.4, nan}, second = {0.9, 0.1, 0.5, nan, nan}, weights = {2, 1, 1, 1, 1};
  const Agreement found = agree({.first = first, .second = second, .weights = weights});
  CHECK((found.kappa.value == 1 && found.agreement.value == 1 && found.difference.value == 0));
  CHECK((found.pairs == 5 && found.first_abstained == 1 && found.second_abstained == 1 && found.both_abstained == 1));
  CHECK((found.both_yes == 2 && found.both_no == 1));
}

TEST_CASE("kappa is NaN where both always say the same one thing") {
  const std::vector<double> yes = {0.9, 0.8};
  const Agreement found = agree({.first = yes, .second = yes});
  CHECK((std::isnan(found.kappa.value) && std::isnan(found.kappa.low) && found.agreement.value == 1));
  CHECK(std::isnan(agree({.first = {}, .second = {}}).agreement.value));
}

TEST_CASE("agreement names what is wrong with its arguments") {
  CHECK_THROWS_WITH(agree({.first = std::vector{0.5}, .second = {}}), "`second` must have an entry for each of the 1 pairs, but has 0 instead.");
  CHECK_THROWS_WITH(agree({.first = std::vector{0.5}, .second = std::vector{1.5}}), ContainsSubstring("`second[0]` must be in [0, 1]"));
}
