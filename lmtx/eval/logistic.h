// Logistic regression by Newton's method. Internal.
#pragma once

#include <Eigen/Core>

#include <span>

#include "lmtx/export.h"

namespace lmtx::detail {

struct LogisticFit {
  // [d]
  Eigen::VectorXd slopes;
  double offset = 0;
};

// The slopes and offset that make sum_i w_i (-t_i log p_i - (1 - t_i) log(1 - p_i)) + ridge / 2 |slopes|^2 least, with p = sigmoid(x slopes + offset). `x` is
// [n, d], the targets t [n] lie in [0, 1], the weights w [n] are 0 or more; empty: each 1. Without a ridge neither may x be collinear, nor the targets 0 and 1
// apart.
LMTX_API LogisticFit fit_logistic(const Eigen::MatrixXd& x, std::span<const double> targets, std::span<const double> weights, double ridge);

}  // namespace lmtx::detail
