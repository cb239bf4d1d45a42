#include "lmtx/eval/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "lmtx/detail/random.h"

namespace lmtx {
namespace {

double mean(std::span<const double> values) { return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size()); }

double resampled_mean(std::span<const double> values, detail::KeyedRandom& random) {
  const auto n = static_cast<int64_t>(values.size());
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += values[random.below(n)];
  return sum / static_cast<double>(n);
}

// Between the two nearest order statistics, linearly (type 7 of Hyndman and Fan 1996, as NumPy's default).
double quantile(const std::vector<double>& sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - std::floor(place)) * (sorted[above] - sorted[below]);
}

}  // namespace

Interval bootstrap_mean(std::span<const double> values, double level, int64_t resamples, uint64_t seed) {
  if (!(level > 0 && level < 1)) throw std::invalid_argument("`level` must lie between 0 and 1, but is " + std::to_string(level) + " instead.");
  if (resamples < 1) throw std::invalid_argument("`resamples` must be at least 1, but is " + std::to_string(resamples) + " instead.");
  if (values.empty()) return {};
  detail::KeyedRandom random(detail::random_key(seed, "bootstrap"));
  std::vector<double> means(static_cast<size_t>(resamples));
  for (double& m : means) m = resampled_mean(values, random);
  std::sort(means.begin(), means.end());
  return {.value = mean(values), .low = quantile(means, (1 - level) / 2), .high = quantile(means, (1 + level) / 2)};
}

}  // namespace lmtx
