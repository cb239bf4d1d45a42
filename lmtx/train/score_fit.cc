#include "lmtx/train/score_fit.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace lmtx {

namespace {

constexpr size_t fewest = 10;
constexpr int newton_steps = 30, halvings = 20;

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// -log sigmoid(-x), without overflow.
double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }

struct Line {
  double slope = 0, offset = 0;
  double operator()(double x) const { return slope * x + offset; }
};

// The regression, over standardized scores.
class Regression {
 public:
  Regression(std::vector<double> x, std::span<const float> targets) : x_(std::move(x)), targets_(targets) {}

  Line solve() const {
    Line line;
    for (int i = 0; i < newton_steps; ++i) line = improved(line);
    return line;
  }

 private:
  double loss(const Line& line) const {
    double sum = line.slope * line.slope / 2 + softplus(line.offset) - line.offset / 2;
    for (size_t i = 0; i < x_.size(); ++i) sum += softplus(line(x_[i])) - targets_[i] * line(x_[i]);
    return sum;
  }

  // A Newton step, halved until the loss does not rise.
  Line improved(const Line& line) const {
    const double p = sigmoid(line.offset);
    double g_slope = line.slope, g_offset = p - 0.5, h_slope = 1, h_offset = p * (1 - p), h_both = 0;
    for (size_t i = 0; i < x_.size(); ++i) {
      const double predicted = sigmoid(line(x_[i])), curvature = predicted * (1 - predicted), error = predicted - targets_[i];
      g_slope += error * x_[i];
      g_offset += error;
      h_slope += curvature * x_[i] * x_[i];
      h_offset += curvature;
      h_both += curvature * x_[i];
    }
    const double determinant = h_slope * h_offset - h_both * h_both;
    const double d_slope = (h_offset * g_slope - h_both * g_offset) / determinant, d_offset = (h_slope * g_offset - h_both * g_slope) / determinant;
    const double before = loss(line);
    double size = 1;
    for (int i = 0; i < halvings; ++i, size /= 2) {
      const Line next{line.slope - size * d_slope, line.offset - size * d_offset};
      if (loss(next) <= before) return next;
    }
    return line;
  }

  std::vector<double> x_;
  std::span<const float> targets_;
};

double mean(std::span<const float> values) {
  double sum = 0;
  for (const float value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

double deviation(std::span<const float> values, double mean) {
  double sum = 0;
  for (const float value : values) sum += (value - mean) * (value - mean);
  return std::sqrt(sum / static_cast<double>(values.size()));
}

}  // namespace

ScoreFit ScoreFit::of(std::span<const float> scores, std::span<const float> targets) {
  double targets_sum = 0.5;
  for (const float target : targets) targets_sum += target;
  const double rate = targets_sum / static_cast<double>(targets.size() + 1);
  const ScoreFit flat(0, std::log(rate / (1 - rate)));
  if (scores.size() < fewest) return flat;
  const double middle = mean(scores), spread = deviation(scores, middle);
  // Below that they differ by rounding.
  if (!(spread > 1e-6 * std::abs(middle)) || !std::isfinite(spread)) return flat;
  std::vector<double> x;
  for (const float score : scores) x.push_back((score - middle) / spread);
  const Line line = Regression(std::move(x), targets).solve();
  if (!(line.slope > 0)) return flat;
  return {line.slope / spread, line.offset - line.slope * middle / spread};
}

double ScoreFit::operator()(double score) const { return sigmoid(slope_ * score + offset_); }

}  // namespace lmtx
