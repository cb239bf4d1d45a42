#include "lmtx/eval/logistic.h"

#include <Eigen/Cholesky>

#include <cstdint>

#include "lmtx/detail/odds.h"

namespace lmtx::detail {

namespace {

constexpr int newton_steps = 100, halvings = 40;

// Parameters are the slopes, then the offset.
class Regression {
 public:
  Regression(const Eigen::MatrixXd& x, std::span<const double> targets, std::span<const double> weights, double ridge)
      : x_(x.rows(), x.cols() + 1), targets_(targets), weights_(weights), ridge_(ridge) {
    x_.leftCols(x.cols()) = x;
    x_.rightCols(1).setOnes();
  }

  Eigen::VectorXd solve() const {
    Eigen::VectorXd parameters = Eigen::VectorXd::Zero(x_.cols());
    for (int i = 0; i < newton_steps; ++i) {
      const Eigen::VectorXd next = improved(parameters);
      const double change = (next - parameters).norm();
      parameters = next;
      if (change <= 1e-13 * (1 + parameters.norm())) break;
    }
    return parameters;
  }

 private:
  double weight(int64_t i) const { return weights_.empty() ? 1.0 : weights_[static_cast<size_t>(i)]; }

  double loss(const Eigen::VectorXd& parameters) const {
    const Eigen::VectorXd z = x_ * parameters;
    double sum = ridge_ / 2 * parameters.head(x_.cols() - 1).squaredNorm();
    for (int64_t i = 0; i < z.size(); ++i) sum += weight(i) * (softplus(z[i]) - targets_[static_cast<size_t>(i)] * z[i]);
    return sum;
  }

  // A Newton step, halved until the loss does not rise.
  Eigen::VectorXd improved(const Eigen::VectorXd& parameters) const {
    const Eigen::VectorXd z = x_ * parameters;
    Eigen::VectorXd errors(z.size()), curvatures(z.size());
    for (int64_t i = 0; i < z.size(); ++i) {
      const double p = sigmoid(z[i]);
      errors[i] = weight(i) * (p - targets_[static_cast<size_t>(i)]);
      curvatures[i] = weight(i) * p * (1 - p);
    }
    Eigen::VectorXd penalty = Eigen::VectorXd::Constant(x_.cols(), ridge_);
    penalty[x_.cols() - 1] = 0;
    const Eigen::VectorXd gradient = x_.transpose() * errors + penalty.cwiseProduct(parameters);
    Eigen::MatrixXd hessian = x_.transpose() * curvatures.asDiagonal() * x_;
    hessian += penalty.asDiagonal();
    const Eigen::VectorXd step = hessian.ldlt().solve(gradient);
    const double before = loss(parameters);
    double size = 1;
    for (int i = 0; i < halvings; ++i, size /= 2) {
      Eigen::VectorXd next = parameters - size * step;
      if (loss(next) <= before) return next;
    }
    return parameters;
  }

  Eigen::MatrixXd x_;
  std::span<const double> targets_, weights_;
  double ridge_;
};

}  // namespace

LogisticFit fit_logistic(const Eigen::MatrixXd& x, std::span<const double> targets, std::span<const double> weights, double ridge) {
  const Eigen::VectorXd parameters = Regression(x, targets, weights, ridge).solve();
  return {.slopes = parameters.head(x.cols()), .offset = parameters[x.cols()]};
}

}  // namespace lmtx::detail
