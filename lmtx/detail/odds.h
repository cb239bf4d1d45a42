// Probabilities and their odds.
#pragma once

#include <algorithm>
#include <cmath>

namespace lmtx::detail {

inline double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// Of p in [1 - surest, surest]; beyond, of the nearer end: certainty itself has no logit.
inline double logit(double p, double surest) {
  const double within = std::clamp(p, 1 - surest, surest);
  return std::log(within / (1 - within));
}

// -log sigmoid(-x), without overflow.
inline double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }

// The shift in [-widest, widest] at which mean_at(shift), which rises with it, is `wanted`; by so many halvings.
template <typename MeanAt>
double find_shift(const MeanAt& mean_at, double wanted, double widest, int halvings) {
  double low = -widest, high = widest;
  for (int i = 0; i < halvings; ++i) {
    const double middle = (low + high) / 2;
    (mean_at(middle) < wanted ? low : high) = middle;
  }
  return (low + high) / 2;
}

}  // namespace lmtx::detail
