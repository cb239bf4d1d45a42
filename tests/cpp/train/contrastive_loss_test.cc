// The losses of the methods without a teacher, against their formulas and finite differences.
#include "lmtx/train/unsupervised/contrastive_loss.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/randn.h>

#include <cmath>
#include <set>

#include "catch.h"
#include "lmtx/detail/random.h"
#include "lmtx/nn/ops.h"
#include "student_fixtures.h"

using namespace lmtx;
using namespace lmtx::test;

namespace {

constexpr double temperature = 0.05;

using Rows = std::vector<std::vector<double>>;

// Unit rows, the same each time.
Rows some_rows(int64_t count, uint64_t key, int64_t dim = 5) {
  detail::KeyedRandom random(key);
  Rows rows;
  for (int64_t i = 0; i < count; ++i) {
    std::vector<double> row;
    double squares = 0;
    for (int64_t j = 0; j < dim; ++j) {
      row.push_back(2 * random.uniform() - 1);
      squares += row.back() * row.back();
    }
    for (double& x : row) x /= std::sqrt(squares);
    rows.push_back(row);
  }
  return rows;
}

at::Tensor tensor(const Rows& rows) { return matrix_of(detail::Json(rows)); }

double score(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum / temperature;
}

double log_sum(const std::vector<double>& scores) {
  double sum = 0;
  for (const double s : scores) sum += std::exp(s);
  return std::log(sum);
}

// The formulas of MACLR, written out: clusters {0, 0, 1, 2} and so on.
double maclr(const Rows& documents, const Rows& titles, const Rows& views, const Rows& labels, const std::vector<int64_t>& clusters, double weight) {
  double of_clusters = 0, of_labels = 0;
  const size_t size = documents.size();
  for (size_t i = 0; i < size; ++i) {
    std::vector<double> titles_of_i, others_of_i;
    for (size_t k = 0; k < size; ++k) titles_of_i.push_back(score(documents[i], titles[k]));
    for (size_t k = 0; k < size; ++k) others_of_i.push_back(score(documents[i], views[k]));
    for (const auto& label : labels) others_of_i.push_back(score(documents[i], label));
    double count = 0, own_titles = 0, own_views = 0;
    for (size_t j = 0; j < size; ++j) {
      if (clusters[i] != clusters[j]) continue;
      ++count;
      own_titles += log_sum(titles_of_i) - titles_of_i[j];
      own_views += log_sum(others_of_i) - others_of_i[j];
    }
    of_clusters += own_titles / count;
    of_labels += own_views / count;
  }
  return (of_clusters + weight * of_labels) / static_cast<double>(size);
}

// Nothing in common.
std::vector<ContrastRow> different_rows(size_t count) {
  std::vector<ContrastRow> rows;
  for (size_t i = 0; i < count; ++i) rows.push_back({.owner = static_cast<int64_t>(i), .left = 100 + i, .right = 200 + i});
  return rows;
}

double loss_of(const BatchLoss& loss, const at::Tensor& left, const at::Tensor& right) { return loss.loss(left, right).item<double>(); }

void check_finite_differences(const BatchLoss& loss, const at::Tensor& left, const at::Tensor& right) {
  const at::Tensor l = left.clone().requires_grad_(), r = right.clone().requires_grad_();
  loss.loss(l, r).backward();
  constexpr double h = 1e-6;
  for (const bool is_left : {true, false}) {
    const at::Tensor gradient = (is_left ? l : r).grad().view(-1);
    for (int64_t i = 0; i < gradient.numel(); ++i) {
      const auto moved = [&](double by) {
        const at::Tensor changed = (is_left ? left : right).clone();
        changed.view(-1)[i] += by;
        return is_left ? loss_of(loss, changed, right) : loss_of(loss, left, changed);
      };
      CHECK(gradient[i].item<double>() == Approx((moved(h) - moved(-h)) / (2 * h)).margin(1e-6));
    }
  }
}

}  // namespace

TEST_CASE("MACLR's loss and gradients are those of its formulas") {
  const Rows documents = some_rows(4, 1), titles = some_rows(4, 2), views = some_rows(4, 3), labels = some_rows(2, 4);
  const std::vector<int64_t> clusters = GENERATE(std::vector<int64_t>{0, 0, 1, 2}, std::vector<int64_t>{5, 5, 5, 5}, std::vector<int64_t>{0, 1, 2, 3});
  const double weight = GENERATE(1.0, 0.25);
  const ContrastiveLoss loss(clustered_terms({.rows = different_rows(4), .clusters = clusters, .labels = {301, 302}}, weight, true), temperature);
  const at::Tensor left = tensor(documents), right = at::cat({tensor(titles), tensor(views), tensor(labels)});
  CHECK(loss_of(loss, left, right) == Approx(maclr(documents, titles, views, labels, clusters, weight)).epsilon(1e-6));
  check_finite_differences(loss, left, right);
}

TEST_CASE("without clusters and regularization MACLR's loss is plain in-batch softmax") {
  const Rows documents = some_rows(4, 1), titles = some_rows(4, 2);
  const at::Tensor left = tensor(documents), right = tensor(titles);
  double expected = 0;
  for (size_t i = 0; i < 4; ++i) {
    std::vector<double> scores;
    for (size_t k = 0; k < 4; ++k) scores.push_back(score(documents[i], titles[k]));
    expected += (log_sum(scores) - scores[i]) / 4;
  }
  const ContrastiveLoss maclr(clustered_terms({.rows = different_rows(4), .clusters = {}, .labels = {}}, 0, true), temperature);
  const ContrastiveLoss in_batch({in_batch_term(different_rows(4), true)}, temperature);
  CHECK(loss_of(maclr, left, right) == Approx(expected).epsilon(1e-12));
  CHECK(loss_of(in_batch, left, right) == Approx(expected).epsilon(1e-12));
  check_finite_differences(in_batch, left, right);
}

TEST_CASE("rows with an owner or a text in common are not each other's negatives") {
  auto rows = different_rows(5);
  rows[1].owner = rows[0].owner;
  rows[2].left = rows[0].left;
  rows[3].right = rows[0].left;
  const at::Tensor left_out = in_batch_term(rows, true).left_out;
  for (int64_t i = 0; i < 5; ++i) {
    for (int64_t k = 0; k < 5; ++k) {
      const std::set<int64_t> pair{i, k};
      const bool alike =
          pair == std::set<int64_t>{0, 1} || pair == std::set<int64_t>{0, 2} || pair == std::set<int64_t>{0, 3} || pair == std::set<int64_t>{2, 3};
      INFO(i << " " << k);
      CHECK(left_out[i][k].item<bool>() == alike);
    }
  }
  CHECK_FALSE(in_batch_term(rows, false).left_out.any().item<bool>());

  // As if they were not there.
  const at::Tensor vectors = tensor(some_rows(5, 1)), others = tensor(some_rows(5, 2));
  const double first = loss_of(ContrastiveLoss({in_batch_term({rows[0], rows[4]}, true)}, temperature),
                               at::cat({vectors.narrow(0, 0, 1), vectors.narrow(0, 4, 1)}), at::cat({others.narrow(0, 0, 1), others.narrow(0, 4, 1)}));
  double expected = 0;
  for (const int64_t i : {0, 4}) {
    const std::vector<double> scores{vectors[i].dot(others[0]).item<double>() / temperature, vectors[i].dot(others[4]).item<double>() / temperature};
    expected += (log_sum(scores) - scores[i == 0 ? 0 : 1]) / 2;
  }
  CHECK(first == Approx(expected).epsilon(1e-12));
}

TEST_CASE("a label that reads as a title or content is no negative of it, and cluster mates stay positives") {
  auto rows = different_rows(3);
  rows[1].right = rows[0].right;
  rows[2].right = rows[0].right;
  const auto terms = clustered_terms({.rows = rows, .clusters = {0, 0, 1}, .labels = {rows[0].right, rows[2].left, 999}}, 1, true);
  REQUIRE(terms.size() == 2);
  CHECK(terms[0].left_out.equal(matrix_of({{0, 0, 1}, {0, 0, 1}, {1, 1, 0}}).to(at::kBool)));
  CHECK(terms[1].first == 3);
  CHECK(terms[1].left_out.equal(matrix_of({{0, 0, 1, 1, 0, 0}, {0, 0, 1, 1, 0, 0}, {1, 1, 0, 1, 1, 0}}).to(at::kBool)));
  CHECK(terms[0].targets.equal(matrix_of({{0.5, 0.5, 0}, {0.5, 0.5, 0}, {0, 0, 1}}).to(at::kFloat)));
}

TEST_CASE("keys of texts tell orders and lengths apart") {
  std::set<uint64_t> keys;
  for (const std::vector<int32_t>& tokens : std::vector<std::vector<int32_t>>{{}, {0}, {0, 0}, {1, 2}, {2, 1}, {1, 2, 0}, {-1}}) keys.insert(text_key(tokens));
  CHECK(keys.size() == 7);
}
