// Intervals for means over documents.
#pragma once

#include <cstdint>
#include <span>

#include "lmtx/export.h"

namespace lmtx {

struct Interval {
  double value = 0;
  double low = 0;
  double high = 0;
};

// The mean of `values` with a percentile bootstrap interval (Efron 1979): `resamples` draws of as many values, with replacement, from a generator
// keyed by `seed`. {0, 0, 0} for no values. Throws std::invalid_argument for a level outside (0, 1) or fewer than one resample.
LMTX_API Interval bootstrap_mean(std::span<const double> values, double level = 0.95, int64_t resamples = 2000, uint64_t seed = 0);

}  // namespace lmtx
