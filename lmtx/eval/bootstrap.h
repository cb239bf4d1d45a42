// Intervals for what is measured over documents, and the comparison of two that were measured on the same ones.
#pragma once

#include <cstdint>
#include <span>
#include <stop_token>

#include "lmtx/export.h"

namespace lmtx {

struct Interval {
  double value = 0;
  double low = 0;
  double high = 0;
};

// The mean of `values` with a percentile bootstrap interval (Efron 1979): `resamples` draws of as many values, with replacement, from a generator
// keyed by `seed`. {0, 0, 0} for no values. Throws std::invalid_argument for a level outside (0, 1) or fewer than one resample; a stop request ends it with
// lmtx::Stopped.
LMTX_API Interval bootstrap_mean(std::span<const double> values, double level = 0.95, int64_t resamples = 2000, uint64_t seed = 0,
                                 const std::stop_token& stop = {});

// The sum of `numerators` over the sum of `denominators` (0 where that is 0), both of a draw taken from the same documents: for propensity-scored metrics.
// Throws std::invalid_argument also for different numbers of them.
LMTX_API Interval bootstrap_ratio(std::span<const double> numerators, std::span<const double> denominators, double level = 0.95, int64_t resamples = 2000,
                                  uint64_t seed = 0, const std::stop_token& stop = {});

struct Comparison {
  // The first's value minus the second's.
  Interval difference;
  // The share of resamples in which the first is ahead; those where neither is count half.
  double better = 0.5;
};

// Compares two that were measured on the same documents: each draw of documents is taken from both (a paired bootstrap). Arguments as above.
LMTX_API Comparison compare_means(std::span<const double> first, std::span<const double> second, double level = 0.95, int64_t resamples = 2000,
                                  uint64_t seed = 0, const std::stop_token& stop = {});
// The same for ratios over the same denominators.
LMTX_API Comparison compare_ratios(std::span<const double> first, std::span<const double> second, std::span<const double> denominators, double level = 0.95,
                                   int64_t resamples = 2000, uint64_t seed = 0, const std::stop_token& stop = {});

}  // namespace lmtx
