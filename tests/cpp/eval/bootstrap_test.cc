#include "lmtx/eval/bootstrap.h"

#include <cmath>
#include <limits>
#include <vector>

#include "catch.h"
#include "lmtx/detail/random.h"

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

TEST_CASE("bootstrap_mean names what is wrong with its arguments") {
  const std::vector<double> values = {1, 2};
  CHECK_THROWS_WITH(bootstrap_mean(values, 1.0), ContainsSubstring("`level` must lie between 0 and 1, but is 1.0"));
  CHECK_THROWS_WITH(bootstrap_mean(values, std::numeric_limits<double>::quiet_NaN()), ContainsSubstring("`level` must lie between 0 and 1"));
  CHECK_THROWS_WITH(bootstrap_mean(values, 0.95, 0), "`resamples` must be at least 1, but is 0 instead.");
}
