#include "lmtx/eval/proportion.h"

#include <unsupported/Eigen/SpecialFunctions>

namespace lmtx::detail {

namespace {

// The x with P(Beta(a, b) <= x) = share, by halving.
double beta_quantile(double a, double b, double share) {
  double low = 0, high = 1;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (Eigen::numext::betainc(a, b, middle) < share ? low : high) = middle;
  }
  return (low + high) / 2;
}

}  // namespace

double lower_bound(double yeses, double n, double confidence) { return yeses <= 0 ? 0 : beta_quantile(yeses, n - yeses + 1, 1 - confidence); }
double upper_bound(double yeses, double n, double confidence) { return yeses >= n ? 1 : beta_quantile(yeses + 1, n - yeses, confidence); }

bool is_at_least(double proportion, double yeses, double n, double confidence) {
  if (yeses <= 0) return proportion <= 0;
  return proportion <= 0 || Eigen::numext::betainc(yeses, n - yeses + 1, proportion) <= 1 - confidence;
}

}  // namespace lmtx::detail
