#include "lmtx/eval/resampling.h"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <string>
#include <unordered_map>

#include "lmtx/detail/random.h"
#include "lmtx/stopped.h"

namespace lmtx::detail {

double quantile(std::span<const double> sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - std::floor(place)) * (sorted[above] - sorted[below]);
}

void check_bootstrap(double level, int64_t resamples) {
  if (!(level > 0 && level < 1)) throw std::invalid_argument("`level` must lie between 0 and 1, but is " + std::to_string(level) + " instead.");
  if (resamples < 1) throw std::invalid_argument("`resamples` must be at least 1, but is " + std::to_string(resamples) + " instead.");
}

PairDocuments::PairDocuments(std::span<const int64_t> documents, size_t num_pairs) {
  std::unordered_map<int64_t, int64_t> numbers;
  for (size_t i = 0; i < num_pairs; ++i) {
    const int64_t document = documents.empty() ? static_cast<int64_t>(i) : documents[i];
    of_pair.push_back(numbers.try_emplace(document, static_cast<int64_t>(numbers.size())).first->second);
  }
  count = static_cast<int64_t>(numbers.size());
}

namespace {

Interval interval_of(double value, std::vector<double> drawn, double level) {
  std::erase_if(drawn, [](double number) { return std::isnan(number); });
  constexpr double none = std::numeric_limits<double>::quiet_NaN();
  if (drawn.empty()) return {.value = value, .low = none, .high = none};
  std::sort(drawn.begin(), drawn.end());
  return {.value = value, .low = quantile(drawn, (1 - level) / 2), .high = quantile(drawn, (1 + level) / 2)};
}

}  // namespace

std::vector<Interval> bootstrap_documents(int64_t num_documents, const Statistics& statistics, double level, int64_t resamples, uint64_t seed,
                                          const std::stop_token& stop) {
  check_bootstrap(level, resamples);
  std::vector<double> draws(static_cast<size_t>(num_documents), 1.0);
  const std::vector<double> values = statistics(draws);
  std::vector<std::vector<double>> drawn(values.size());
  KeyedRandom random(random_key(seed, "bootstrap"));
  for (int64_t r = 0; r < resamples && num_documents > 0; ++r) {
    check_stop(stop);
    std::fill(draws.begin(), draws.end(), 0.0);
    for (int64_t i = 0; i < num_documents; ++i) draws[static_cast<size_t>(random.below(num_documents))] += 1;
    const std::vector<double> resampled = statistics(draws);
    for (size_t k = 0; k < values.size(); ++k) drawn[k].push_back(resampled[k]);
  }
  std::vector<Interval> intervals;
  for (size_t k = 0; k < values.size(); ++k) intervals.push_back(interval_of(values[k], std::move(drawn[k]), level));
  return intervals;
}

}  // namespace lmtx::detail
