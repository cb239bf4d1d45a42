// Isotonic regression by pooling adjacent violators.
#pragma once

#include <span>
#include <vector>

#include "lmtx/export.h"

namespace lmtx {

// A line through points, flat outside: `x` rises strictly, `y` never falls; at least one point.
struct RisingLine {
  std::vector<double> x;
  std::vector<double> y;

  LMTX_API double operator()(double at) const;
};

// The rising line nearest to the targets by weighted squares (Ayer et al. 1955): equal x are one point with their mean target; points within a flat piece are
// left out. `weights` empty: each 1; pairs of weight 0 count for nothing. As scikit-learn's IsotonicRegression(out_of_bounds="clip").
LMTX_API RisingLine fit_isotonic(std::span<const double> x, std::span<const double> targets, std::span<const double> weights);

}  // namespace lmtx
