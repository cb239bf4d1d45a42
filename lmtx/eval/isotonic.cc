#include "lmtx/eval/isotonic.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace lmtx {

namespace {

struct Point {
  double x;
  double mean;
  double weight;
};

std::vector<Point> distinct_points(std::span<const double> x, std::span<const double> targets, std::span<const double> weights) {
  std::vector<size_t> order;
  for (size_t i = 0; i < x.size(); ++i) {
    if (weights.empty() || weights[i] > 0) order.push_back(i);
  }
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return x[a] != x[b] ? x[a] < x[b] : a < b; });
  std::vector<Point> points;
  for (const size_t i : order) {
    const double weight = weights.empty() ? 1 : weights[i];
    if (points.empty() || points.back().x != x[i]) points.push_back({x[i], 0, 0});
    points.back().mean += weight * targets[i];
    points.back().weight += weight;
  }
  for (Point& point : points) point.mean /= point.weight;
  return points;
}

// A run of points that share a value.
struct Block {
  size_t begin;
  double mean;
  double weight;
};

std::vector<Block> pool(const std::vector<Point>& points) {
  std::vector<Block> blocks;
  for (size_t i = 0; i < points.size(); ++i) {
    blocks.push_back({i, points[i].mean, points[i].weight});
    while (blocks.size() > 1 && blocks[blocks.size() - 2].mean >= blocks.back().mean) {
      const Block last = blocks.back();
      blocks.pop_back();
      Block& before = blocks.back();
      before.mean = (before.mean * before.weight + last.mean * last.weight) / (before.weight + last.weight);
      before.weight += last.weight;
    }
  }
  return blocks;
}

}  // namespace

RisingLine fit_isotonic(std::span<const double> x, std::span<const double> targets, std::span<const double> weights) {
  const std::vector<Point> points = distinct_points(x, targets, weights);
  const std::vector<Block> blocks = pool(points);
  RisingLine line;
  for (size_t b = 0; b < blocks.size(); ++b) {
    const size_t first = blocks[b].begin, last = (b + 1 < blocks.size() ? blocks[b + 1].begin : points.size()) - 1;
    for (size_t i = first;; i = last) {
      line.x.push_back(points[i].x);
      line.y.push_back(blocks[b].mean);
      if (i == last) break;
    }
  }
  return line;
}

double RisingLine::operator()(double at) const {
  const auto above = std::upper_bound(x.begin(), x.end(), at);
  if (above == x.begin()) return y.front();
  if (above == x.end()) return y.back();
  const size_t i = static_cast<size_t>(above - x.begin());
  return y[i - 1] + (y[i] - y[i - 1]) * (at - x[i - 1]) / (x[i] - x[i - 1]);
}

}  // namespace lmtx
