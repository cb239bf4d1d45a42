#include "lmtx/train/unsupervised/kmeans.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/from_blob.h>

#include <cmath>
#include <limits>
#include <set>

#include "catch.h"
#include "lmtx/detail/random.h"
#include "lmtx/nn/ops.h"
#include "lmtx/stopped.h"

using namespace lmtx;

namespace {

constexpr int64_t dim = 6;

// Unit rows around `groups` directions; row i is of group i % groups.
at::Tensor grouped_rows(int64_t count, int64_t groups, float spread) {
  detail::KeyedRandom random(11);
  const auto draw = [&] { return static_cast<float>(2 * random.uniform() - 1); };
  std::vector<float> directions(static_cast<size_t>(groups * dim)), rows;
  for (float& x : directions) x = draw();
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t j = 0; j < dim; ++j) rows.push_back(directions[static_cast<size_t>(i % groups * dim + j)] + spread * draw());
  }
  return ops::normalize(at::from_blob(rows.data(), {count, dim}, at::kFloat).clone());
}

std::vector<int64_t> numbers(const at::Tensor& tensor) { return {tensor.const_data_ptr<int64_t>(), tensor.const_data_ptr<int64_t>() + tensor.numel()}; }

// Sum of the cosines of all rows with the mean direction of their cluster.
double cosines(const at::Tensor& rows, const std::vector<int64_t>& clusters) {
  std::vector<std::vector<double>> sums;
  for (size_t i = 0; i < clusters.size(); ++i) {
    if (static_cast<size_t>(clusters[i]) >= sums.size()) sums.resize(static_cast<size_t>(clusters[i]) + 1, std::vector<double>(dim, 0.0));
    for (int64_t j = 0; j < dim; ++j) sums[static_cast<size_t>(clusters[i])][static_cast<size_t>(j)] += rows[static_cast<int64_t>(i)][j].item<double>();
  }
  double total = 0;
  // The sum of a cluster's rows has the cosines' sum as its length.
  for (const auto& sum : sums) {
    double squares = 0;
    for (const double x : sum) squares += x * x;
    total += std::sqrt(squares);
  }
  return total;
}

}  // namespace

TEST_CASE("k-means finds groups that lie apart") {
  const at::Tensor rows = grouped_rows(200, 4, 0.05f);
  const std::vector<int64_t> clusters = numbers(cluster_unit_rows(rows, {.clusters = 4, .starts = 20, .key = 1}));
  REQUIRE(clusters.size() == 200);
  CHECK(std::set<int64_t>(clusters.begin(), clusters.end()).size() == 4);
  for (size_t i = 4; i < clusters.size(); ++i) CHECK(clusters[i] == clusters[i % 4]);
}

TEST_CASE("k-means ends where no row is nearer to another cluster's mean direction, or where its iterations do") {
  const at::Tensor rows = grouped_rows(150, 7, 1);
  const std::vector<int64_t> clusters = numbers(cluster_unit_rows(rows, {.clusters = 9, .iterations = 1000, .starts = 1, .key = 5}));
  at::Tensor means = at::from_blob(std::vector<float>(9 * dim, 0.0f).data(), {9, dim}, at::kFloat).clone();
  for (size_t i = 0; i < clusters.size(); ++i) means[clusters[i]] += rows[static_cast<int64_t>(i)];
  const at::Tensor cosine = rows.mm(ops::normalize(means).t());
  for (size_t i = 0; i < clusters.size(); ++i) {
    const at::Tensor own = cosine[static_cast<int64_t>(i)];
    CHECK(own[clusters[i]].item<double>() >= own.max().item<double>() - 1e-5);
  }
  // More iterations are no worse.
  double before = 0;
  for (const int64_t iterations : {1, 2, 5, 20}) {
    const double now = cosines(rows, numbers(cluster_unit_rows(rows, {.clusters = 9, .iterations = iterations, .starts = 1, .key = 5})));
    CHECK(now >= before - 1e-4);
    before = now;
  }
}

TEST_CASE("of several starts k-means keeps the best") {
  const at::Tensor rows = grouped_rows(150, 7, 0.3f);
  double best_single = 0;
  const auto with = [&](int64_t starts) { return cosines(rows, numbers(cluster_unit_rows(rows, {.clusters = 7, .starts = starts, .key = 3}))); };
  best_single = with(1);
  CHECK(with(2) >= best_single - 1e-4);
  CHECK(with(10) >= with(2) - 1e-4);
}

TEST_CASE("k-means is the same twice and another with another key") {
  const at::Tensor rows = grouped_rows(300, 7, 1);
  const auto with = [&](uint64_t key) { return numbers(cluster_unit_rows(rows, {.clusters = 30, .starts = 2, .key = key})); };
  CHECK(with(1) == with(1));
  CHECK(with(1) != with(2));
}

TEST_CASE("with as many clusters as rows each row is one") {
  const at::Tensor rows = grouped_rows(5, 2, 0.01f);
  CHECK(numbers(cluster_unit_rows(rows, {.clusters = 5})) == std::vector<int64_t>{0, 1, 2, 3, 4});
  CHECK(numbers(cluster_unit_rows(rows, {.clusters = 9})) == std::vector<int64_t>{0, 1, 2, 3, 4});
}

TEST_CASE("rows that are all the same are one cluster, and nothing is divided by zero") {
  const at::Tensor row = grouped_rows(1, 1, 0);
  const auto clusters = numbers(cluster_unit_rows(at::cat({row, row, row, row}), {.clusters = 3}));
  CHECK(std::set<int64_t>(clusters.begin(), clusters.end()).size() == 1);
}

TEST_CASE("a stop request ends k-means") {
  std::stop_source stop;
  stop.request_stop();
  CHECK_THROWS_AS(cluster_unit_rows(grouped_rows(50, 2, 1), {.clusters = 3}, stop.get_token()), Stopped);
}
