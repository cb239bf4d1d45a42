#include "lmtx/eval/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "lmtx/detail/random.h"
#include "lmtx/eval/resampling.h"
#include "lmtx/stopped.h"

namespace lmtx {
namespace {

void check_sizes(const char* first_name, std::span<const double> first, const char* second_name, std::span<const double> second) {
  if (first.size() == second.size()) return;
  throw std::invalid_argument("`" + std::string(first_name) + "` and `" + second_name + "` must have a value for each document, but have " +
                              std::to_string(first.size()) + " and " + std::to_string(second.size()) + ".");
}

double sum(std::span<const double> values) { return std::accumulate(values.begin(), values.end(), 0.0); }

double ratio(double numerator, double denominator) { return denominator == 0 ? 0.0 : numerator / denominator; }

// Means and ratios alike: a sum over a sum, of all documents or of a draw.
class Statistic {
 public:
  // No denominators: each is 1.
  explicit Statistic(std::span<const double> numerators, std::span<const double> denominators = {}) : numerators_(numerators), denominators_(denominators) {}

  bool empty() const { return numerators_.empty(); }

  double whole() const { return ratio(sum(numerators_), denominators_.empty() ? static_cast<double>(numerators_.size()) : sum(denominators_)); }

  double resampled(detail::KeyedRandom& random) const {
    const auto n = static_cast<int64_t>(numerators_.size());
    double numerator = 0, denominator = denominators_.empty() ? static_cast<double>(n) : 0;
    for (int64_t i = 0; i < n; ++i) {
      const int64_t drawn = random.below(n);
      numerator += numerators_[drawn];
      if (!denominators_.empty()) denominator += denominators_[drawn];
    }
    return ratio(numerator, denominator);
  }

 private:
  std::span<const double> numerators_, denominators_;
};

// Of each draw, rising.
std::vector<double> resample(const Statistic& statistic, int64_t resamples, uint64_t seed, const std::stop_token& stop) {
  detail::KeyedRandom random(detail::random_key(seed, "bootstrap"));
  std::vector<double> values(static_cast<size_t>(resamples));
  for (double& value : values) {
    check_stop(stop);
    value = statistic.resampled(random);
  }
  std::sort(values.begin(), values.end());
  return values;
}

Interval interval_of(const Statistic& statistic, const std::vector<double>& resampled, double level) {
  return {.value = statistic.whole(), .low = detail::quantile(resampled, (1 - level) / 2), .high = detail::quantile(resampled, (1 + level) / 2)};
}

Interval bootstrap(const Statistic& statistic, double level, int64_t resamples, uint64_t seed, const std::stop_token& stop) {
  detail::check_bootstrap(level, resamples);
  return statistic.empty() ? Interval{} : interval_of(statistic, resample(statistic, resamples, seed, stop), level);
}

double share_above_zero(const std::vector<double>& sorted) {
  const auto [first_zero, first_above] = std::equal_range(sorted.begin(), sorted.end(), 0.0);
  const auto above = static_cast<double>(sorted.end() - first_above), ties = static_cast<double>(first_above - first_zero);
  return (above + ties / 2) / static_cast<double>(sorted.size());
}

Comparison compare(std::span<const double> first, std::span<const double> second, std::span<const double> denominators, double level, int64_t resamples,
                   uint64_t seed, const std::stop_token& stop) {
  detail::check_bootstrap(level, resamples);
  check_sizes("first", first, "second", second);
  std::vector<double> differences(first.size());
  std::transform(first.begin(), first.end(), second.begin(), differences.begin(), std::minus<>());
  const Statistic statistic(differences, denominators);
  if (statistic.empty()) return {};
  const std::vector<double> resampled = resample(statistic, resamples, seed, stop);
  return {.difference = interval_of(statistic, resampled, level), .better = share_above_zero(resampled)};
}

}  // namespace

Interval bootstrap_mean(std::span<const double> values, double level, int64_t resamples, uint64_t seed, const std::stop_token& stop) {
  return bootstrap(Statistic(values), level, resamples, seed, stop);
}

Interval bootstrap_ratio(std::span<const double> numerators, std::span<const double> denominators, double level, int64_t resamples, uint64_t seed,
                         const std::stop_token& stop) {
  check_sizes("numerators", numerators, "denominators", denominators);
  return bootstrap(Statistic(numerators, denominators), level, resamples, seed, stop);
}

Comparison compare_means(std::span<const double> first, std::span<const double> second, double level, int64_t resamples, uint64_t seed,
                         const std::stop_token& stop) {
  return compare(first, second, {}, level, resamples, seed, stop);
}

Comparison compare_ratios(std::span<const double> first, std::span<const double> second, std::span<const double> denominators, double level, int64_t resamples,
                          uint64_t seed, const std::stop_token& stop) {
  check_sizes("first", first, "denominators", denominators);
  return compare(first, second, denominators, level, resamples, seed, stop);
}

}  // namespace lmtx
