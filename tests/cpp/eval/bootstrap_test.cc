#include "lmtx/eval/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "catch.h"
#include "lmtx/detail/random.h"
#include "lmtx/stopped.h"

using namespace lmtx;

namespace {

std::vector<double> bernoulli(int64_t n, double p, uint64_t seed) {
  detail::KeyedRandom random(detail::random_key(seed, "bernoulli"));
  std::vector<double> values(n);
  for (double& v : values) v = random.uniform() < p ? 1 : 0;
  return values;
}

}  // namespace

TEST_CASE("a 95 % interval holds the true mean in about 95 % of repetitions") {
  int covered = 0;
  const int repetitions = 1000;
  for (int i = 0; i < repetitions; ++i) {
    const Interval interval = bootstrap_mean(bernoulli(200, 0.3, i), 0.95, 500, i);
    covered += interval.low <= 0.3 && 0.3 <= interval.high;
  }
  // Four standard errors of a share of 0.95 in 1000 are 0.028.
  CHECK(covered / static_cast<double>(repetitions) > 0.922);
  CHECK(covered / static_cast<double>(repetitions) < 0.978);
}

TEST_CASE("the interval is as wide as the normal approximation says") {
  const Interval interval = bootstrap_mean(bernoulli(5000, 0.5, 1), 0.95, 4000);
  const double expected = 2 * 1.96 * std::sqrt(interval.value * (1 - interval.value) / 5000);
  CHECK(interval.high - interval.low == Approx(expected).epsilon(0.05));
  CHECK(interval.low < interval.value);
  CHECK(interval.value < interval.high);
}

TEST_CASE("a higher level gives a wider interval") {
  const auto values = bernoulli(300, 0.4, 2);
  const Interval narrow = bootstrap_mean(values, 0.5), wide = bootstrap_mean(values, 0.99);
  CHECK(wide.low < narrow.low);
  CHECK(narrow.high < wide.high);
}

TEST_CASE("the same seed gives the same interval, another seed another") {
  const std::vector<double> values = {0.1, 0.7, 0.3, 0.9, 0.2, 0.55};
  const Interval a = bootstrap_mean(values, 0.95, 100, 5), b = bootstrap_mean(values, 0.95, 100, 5), c = bootstrap_mean(values, 0.95, 100, 6);
  CHECK((a.low == b.low && a.high == b.high));
  CHECK((a.low != c.low || a.high != c.high));
}

TEST_CASE("one value is its own interval, and no values give zeros") {
  const std::vector<double> one = {0.25};
  const Interval interval = bootstrap_mean(one);
  CHECK((interval.value == 0.25 && interval.low == 0.25 && interval.high == 0.25));
  const Interval none = bootstrap_mean({});
  CHECK((none.value == 0 && none.low == 0 && none.high == 0));
}

TEST_CASE("a ratio of equal denominators is a mean") {
  const auto values = bernoulli(300, 0.4, 3);
  const Interval mean = bootstrap_mean(values), ratio = bootstrap_ratio(values, std::vector<double>(300, 2.0));
  CHECK(ratio.value == Approx(mean.value / 2));
  CHECK(ratio.low == Approx(mean.low / 2));
  CHECK(ratio.high == Approx(mean.high / 2));
}

TEST_CASE("a 95 % interval of a ratio holds the true ratio in about 95 % of repetitions") {
  // Document i weighs 1 + i % 5, and finds all of it or nothing: the true ratio is 0.3.
  int covered = 0;
  const int repetitions = 500;
  for (int r = 0; r < repetitions; ++r) {
    std::vector<double> found = bernoulli(250, 0.3, 1000 + r), best(250);
    for (size_t i = 0; i < best.size(); ++i) {
      best[i] = static_cast<double>(1 + i % 5);
      found[i] *= best[i];
    }
    const Interval interval = bootstrap_ratio(found, best, 0.95, 400, r);
    covered += interval.low <= 0.3 && 0.3 <= interval.high;
  }
  // Four standard errors of a share of 0.95 in 500 are 0.039.
  CHECK(covered / static_cast<double>(repetitions) > 0.911);
  CHECK(covered / static_cast<double>(repetitions) < 0.989);
}

TEST_CASE("draws take numerator and denominator from the same documents") {
  // Each document has the same ratio, so every draw has it, too.
  const std::vector<double> found = {1, 2, 30, 0.5}, best = {2, 4, 60, 1};
  const Interval interval = bootstrap_ratio(found, best);
  CHECK((interval.value == 0.5 && interval.low == 0.5 && interval.high == 0.5));
  const std::vector<double> nothing(4, 0.0);
  CHECK(bootstrap_ratio(nothing, nothing).high == 0);
}

TEST_CASE("a paired comparison sees what two separate intervals hide") {
  const auto first = bernoulli(400, 0.5, 4);
  std::vector<double> second = first;
  for (size_t i = 0; i < second.size(); i += 40) second[i] = 0;
  const Comparison comparison = compare_means(first, second);
  CHECK(comparison.difference.value == Approx(bootstrap_mean(first).value - bootstrap_mean(second).value));
  CHECK(comparison.difference.low > 0);
  CHECK(comparison.better > 0.99);
  CHECK(bootstrap_mean(first).low < bootstrap_mean(second).high);
  const Comparison other_way = compare_means(second, first);
  CHECK(other_way.better == Approx(1 - comparison.better));
  CHECK(other_way.difference.high < 0);
}

TEST_CASE("of two that are equal neither is better") {
  const auto values = bernoulli(50, 0.5, 5);
  const Comparison same = compare_means(values, values);
  CHECK((same.difference.low == 0 && same.difference.high == 0 && same.better == 0.5));
  CHECK(compare_means({}, {}).better == 0.5);
  // Unequal documents, but no difference to be expected: each is ahead in about half of the draws.
  const std::vector<double> ones(200, 1.0), zeros(200, 0.0);
  std::vector<double> first = ones, second = zeros;
  std::copy(zeros.begin(), zeros.begin() + 100, first.begin());
  std::copy(ones.begin(), ones.begin() + 100, second.begin());
  CHECK(compare_means(first, second).better == Approx(0.5).margin(0.05));
}

TEST_CASE("ratios are compared as differences over the same denominators") {
  const std::vector<double> first = {3, 0, 2, 1}, second = {1, 1, 2, 0}, best = {4, 2, 2, 5};
  const Comparison comparison = compare_ratios(first, second, best, 0.9, 500, 7);
  CHECK(comparison.difference.value == Approx((6 - 4) / 13.0));
  const std::vector<double> differences = {2, -1, 0, 1};
  const Interval expected = bootstrap_ratio(differences, best, 0.9, 500, 7);
  CHECK(comparison.difference.low == expected.low);
  CHECK(comparison.difference.high == expected.high);
}

TEST_CASE("bootstrap_mean names what is wrong with its arguments") {
  const std::vector<double> values = {1, 2};
  CHECK_THROWS_WITH(bootstrap_mean(values, 1.0), ContainsSubstring("`level` must lie between 0 and 1, but is 1.0"));
  CHECK_THROWS_WITH(bootstrap_mean(values, std::numeric_limits<double>::quiet_NaN()), ContainsSubstring("`level` must lie between 0 and 1"));
  CHECK_THROWS_WITH(bootstrap_mean(values, 0.95, 0), "`resamples` must be at least 1, but is 0 instead.");
  const std::vector<double> three = {1, 2, 3};
  CHECK_THROWS_WITH(bootstrap_ratio(values, three), "`numerators` and `denominators` must have a value for each document, but have 2 and 3.");
  CHECK_THROWS_WITH(compare_means(three, values), "`first` and `second` must have a value for each document, but have 3 and 2.");
  CHECK_THROWS_WITH(compare_ratios(values, values, three), "`first` and `denominators` must have a value for each document, but have 2 and 3.");
}

TEST_CASE("a stop request ends resampling") {
  std::stop_source source;
  source.request_stop();
  const std::vector<double> values = {0.1, 0.7};
  const std::stop_token stop = source.get_token();
  CHECK_THROWS_AS(bootstrap_mean(values, 0.95, 100, 0, stop), Stopped);
  CHECK_THROWS_AS(bootstrap_ratio(values, values, 0.95, 100, 0, stop), Stopped);
  CHECK_THROWS_AS(compare_means(values, values, 0.95, 100, 0, stop), Stopped);
  CHECK_THROWS_AS(compare_ratios(values, values, values, 0.95, 100, 0, stop), Stopped);
}
