#include <ATen/Context.h>
#include <ATen/Parallel.h>

#include <string>
#include <thread>

#include "catch.h"
#include "lmtx/search/label_index.h"
#include "lmtx/stopped.h"
#include "rows.h"

using namespace lmtx;

namespace {

const LabelIndexOptions as_they_are = {.normalize = false};

void check_equal(const LabelIndex& index, const BruteForce& truth, const std::vector<Row>& queries, int64_t k, const LabelFilter& filter = {}) {
  const auto found = rankings_of(index.search(tensor_of(queries, index.dim()), k, filter));
  const auto expected = truth.search(queries, k, filter);
  for (size_t q = 0; q < queries.size(); ++q) {
    CAPTURE(q, k);
    REQUIRE(found[q].labels == expected[q].labels);
    REQUIRE(found[q].scores == expected[q].scores);
  }
}

}  // namespace

TEST_CASE("exact search equals brute force, ties by the smaller label number included") {
  // Few different scores among many labels; more rows than a block holds; more queries than a block holds.
  struct Shape {
    int64_t rows, dim, queries, k;
  };
  for (const Shape& shape : {Shape{1, 1, 1, 1}, Shape{7, 3, 2, 10}, Shape{5000, 5, 300, 7}, Shape{9000, 16, 3, 100}, Shape{70'000, 4, 2, 5}}) {
    CAPTURE(shape.rows, shape.dim);
    const auto rows = whole_rows(shape.rows, shape.dim, 2, 1);
    BruteForce truth;
    truth.add(rows, count_up(shape.rows));
    check_equal(LabelIndex::build(tensor_of(rows, shape.dim), as_they_are), truth, whole_rows(shape.queries, shape.dim, 2, 2), shape.k);
  }
}

TEST_CASE("the k best are right when k is larger than a batch of candidates, or all labels") {
  const auto rows = whole_rows(3000, 8, 3, 3);
  BruteForce truth;
  truth.add(rows, count_up(3000));
  const auto index = LabelIndex::build(tensor_of(rows, 8), as_they_are);
  for (int64_t k : {500, 2999, 3000, 3100}) check_equal(index, truth, whole_rows(4, 8, 3, 4), k);
}

TEST_CASE("scores are cosines, close to a float64 computation") {
  const auto rows = unit_rows(400, 48, 5), queries = unit_rows(10, 48, 6);
  std::vector<Row> scaled = rows;
  for (size_t i = 0; i < scaled.size(); ++i) {
    for (float& x : scaled[i]) x *= static_cast<float>(i + 1);
  }
  BruteForce truth;
  truth.add(rows, count_up(400));
  const auto found = rankings_of(LabelIndex::build(tensor_of(scaled, 48)).search(tensor_of(queries, 48), 5));
  const auto expected = truth.search(queries, 5);
  for (size_t q = 0; q < queries.size(); ++q) {
    CHECK(found[q].labels == expected[q].labels);
    for (int i = 0; i < 5; ++i) CHECK(found[q].scores[i] == Approx(expected[q].scores[i]).margin(1e-6));
  }
}

TEST_CASE("equal rows have equal scores wherever they lie, so that the smaller label number wins") {
  const int64_t dim = 97, copies = 6000;
  const Row row = unit_rows(1, dim, 7)[0];
  const auto queries = unit_rows(5, dim, 8);
  auto index = LabelIndex::build(tensor_of(std::vector<Row>(copies, row), dim));
  // The smallest numbers come last, in segments of their own.
  std::vector<int64_t> owners = count_up(copies);
  for (int64_t& owner : owners) owner += 10;
  index = LabelIndex::build(tensor_of(std::vector<Row>(copies, row), dim), owners);
  for (int64_t label : {5, 3}) index = index.with_added(tensor_of({row}, dim), std::vector<int64_t>{label});
  for (const Ranking& ranking : rankings_of(index.search(tensor_of(queries, dim), 4))) {
    CHECK(ranking.labels == std::vector<int64_t>{3, 5, 10, 11});
    CHECK(ranking.scores == std::vector<float>(4, ranking.scores[0]));
  }
}

TEST_CASE("a query's matches are the same bits in any batch and with any number of threads") {
  const auto rows = unit_rows(3000, 33, 9), queries = unit_rows(70, 33, 10);
  const auto index = LabelIndex::build(tensor_of(rows, 33));
  const auto together = rankings_of(index.search(tensor_of(queries, 33), 20));
  const int threads = at::get_num_threads();
  for (int n : {1, 2, 3}) {
    at::set_num_threads(n);
    CHECK(rankings_of(index.search(tensor_of(queries, 33), 20)) == together);
  }
  at::set_num_threads(threads);
  for (size_t q = 0; q < queries.size(); q += 9) CHECK(rankings_of(index.search(tensor_of({queries[q]}, 33), 20))[0] == together[q]);
}

TEST_CASE("matches do not depend on the precision that torch is told to multiply with") {
  const auto rows = unit_rows(5000, 64, 11), queries = unit_rows(40, 64, 12);
  const auto index = LabelIndex::build(tensor_of(rows, 64));
  const auto expected = rankings_of(index.search(tensor_of(queries, 64), 10));
  at::globalContext().setFloat32MatmulPrecision("medium");
  const auto found = rankings_of(index.search(tensor_of(queries, 64), 10));
  at::globalContext().setFloat32MatmulPrecision("highest");
  CHECK(found == expected);
}

TEST_CASE("the best of a label's rows counts, and a label is found once") {
  const auto rows = whole_rows(4000, 6, 2, 13);
  std::vector<int64_t> owners(rows.size());
  for (size_t i = 0; i < owners.size(); ++i) owners[i] = static_cast<int64_t>(i * 7919 % 300) * 1'000'000'007;
  BruteForce truth;
  truth.add(rows, owners);
  const auto index = LabelIndex::build(tensor_of(rows, 6), owners, as_they_are);
  CHECK(index.num_labels() == 300);
  CHECK(index.num_rows() == 4000);
  for (int64_t k : {1, 10, 299, 400}) check_equal(index, truth, whole_rows(20, 6, 2, 14), k);
}

TEST_CASE("biases are added before the best are chosen") {
  const auto rows = whole_rows(2000, 6, 2, 15);
  BruteForce truth;
  truth.add(rows, count_up(2000));
  std::vector<int64_t> labels;
  std::vector<float> biases;
  for (int64_t label = 0; label < 2000; label += 3) {
    labels.push_back(label);
    biases.push_back(static_cast<float>(label % 17) - 8.0f);
    truth.biases[label] = biases.back();
  }
  const auto index = LabelIndex::build(tensor_of(rows, 6), as_they_are).with_bias(labels, biases);
  check_equal(index, truth, whole_rows(30, 6, 2, 16), 25);
  SECTION("a later bias replaces an earlier one, and 0 takes it away") {
    const auto changed = index.with_bias(std::vector<int64_t>{0, 3}, std::vector<float>{0, 40});
    truth.biases[0] = 0;
    truth.biases[3] = 40;
    check_equal(changed, truth, whole_rows(30, 6, 2, 16), 25);
  }
}

TEST_CASE("a filter's allow and deny lists decide what is found") {
  const auto rows = whole_rows(1500, 6, 2, 17);
  BruteForce truth;
  truth.add(rows, count_up(1500));
  const auto index = LabelIndex::build(tensor_of(rows, 6), as_they_are);
  const auto queries = whole_rows(20, 6, 2, 18);
  const std::vector<int64_t> some = {4, 1499, 0, 77, 78, 77, 5'000, -3}, others = {78, 4, 900, 901};
  check_equal(index, truth, queries, 10, {.allow = some, .deny = {}});
  check_equal(index, truth, queries, 10, {.allow = {}, .deny = some});
  check_equal(index, truth, queries, 10, {.allow = some, .deny = others});
  check_equal(index, truth, queries, 10, {.allow = some, .deny = some});
}

TEST_CASE("where fewer than k labels match, labels end with -1 and scores with -infinity") {
  const auto index = LabelIndex::build(tensor_of({{1, 0}, {0, 1}}, 2));
  const Ranking ranking = rankings_of(index.search(tensor_of({{0.5f, 2}}, 2), 4))[0];
  const float none = -std::numeric_limits<float>::infinity();
  CHECK(ranking.labels == std::vector<int64_t>{1, 0, -1, -1});
  CHECK(ranking.scores == std::vector<float>{2, 0.5f, none, none});
}

TEST_CASE("an index without rows finds nothing, and no queries give no matches") {
  const auto empty = LabelIndex::build(tensor_of({}, 3));
  CHECK(empty.num_labels() == 0);
  CHECK(empty.num_segments() == 0);
  CHECK(empty.max_label() == -1);
  CHECK(rankings_of(empty.search(tensor_of({{1, 2, 3}}, 3), 2))[0].labels == std::vector<int64_t>{-1, -1});
  const auto full = empty.with_added(tensor_of({{1, 0, 0}}, 3), std::vector<int64_t>{8});
  CHECK(full.max_label() == 8);
  CHECK(full.search(tensor_of({}, 3), 2).labels.sizes() == at::IntArrayRef({0, 2}));
}

TEST_CASE("rows of zeros stay zero and score 0") {
  const auto index = LabelIndex::build(tensor_of({{0, 0}, {-3, 0}}, 2));
  CHECK(rankings_of(index.search(tensor_of({{1, 1}}, 2), 2))[0] == Ranking{{0, 1}, {0, -1}});
}

TEST_CASE("long and short rows are told apart however far their lengths differ") {
  std::vector<Row> rows;
  for (int i = 0; i < 300; ++i) rows.push_back({std::ldexp(1.0f, i % 2 == 0 ? i / 4 : -i / 4), 1e-30f});
  BruteForce truth;
  truth.add(rows, count_up(300));
  check_equal(LabelIndex::build(tensor_of(rows, 2), as_they_are), truth, {{1, 1}, {-1, 1}, {1e-20f, 3}, {0, 1}}, 20);
}

TEST_CASE("queries in other layouts are taken as they are") {
  const auto index = LabelIndex::build(tensor_of({{1, 0}, {0, 1}}, 2));
  const at::Tensor columns = tensor_of({{3, 1}, {2, 5}}, 2).t();
  const auto found = rankings_of(index.search(columns, 1));
  CHECK(found[0].scores == std::vector<float>{3});
  CHECK(found[1].scores == std::vector<float>{5});
}

TEST_CASE("several threads may search one index") {
  const auto rows = unit_rows(2000, 16, 19), queries = unit_rows(50, 16, 20);
  const auto index = LabelIndex::build(tensor_of(rows, 16));
  const auto expected = rankings_of(index.search(tensor_of(queries, 16), 5));
  std::vector<std::vector<Ranking>> found(4);
  std::vector<std::thread> threads;
  for (auto& result : found) threads.emplace_back([&] { result = rankings_of(index.search(tensor_of(queries, 16), 5)); });
  for (auto& thread : threads) thread.join();
  for (const auto& result : found) CHECK(result == expected);
}

TEST_CASE("a search reports its progress and stops on request") {
  const auto index = LabelIndex::build(tensor_of(unit_rows(50, 4, 21), 4));
  const at::Tensor queries = tensor_of(unit_rows(600, 4, 22), 4);
  std::vector<int64_t> done;
  index.search(queries, 3, {}, [&](const Event& event) {
    CHECK(event.stage == "search");
    CHECK(event.total == 600);
    done.push_back(event.done);
  });
  REQUIRE(done.size() > 1);
  CHECK(done.back() == 600);
  CHECK(std::is_sorted(done.begin(), done.end()));
  std::stop_source source;
  const auto stop_at_once = [&](const Event&) { source.request_stop(); };
  CHECK_THROWS_AS(index.search(queries, 3, {}, stop_at_once, source.get_token()), Stopped);
}

TEST_CASE("build and search name what is wrong with their arguments") {
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  const std::vector<int64_t> one = {0};
  const at::Tensor row = tensor_of({{1, 2}}, 2);
  CHECK_THROWS_WITH(LabelIndex::build(row.to(at::kDouble), one), "`rows` must be float32, but is Double instead.");
  CHECK_THROWS_WITH(LabelIndex::build(at::Tensor(), one), "`rows` must be a tensor, but is undefined.");
  CHECK_THROWS_WITH(LabelIndex::build(row[0], one), "`rows` must have shape [num_rows, dim], but has shape [2] instead.");
  CHECK_THROWS_WITH(LabelIndex::build(row, std::vector<int64_t>{0, 1}), "`owners` must have a label number for each of the 1 rows, but has 2 instead.");
  CHECK_THROWS_WITH(LabelIndex::build(row, std::vector<int64_t>{-2}), "`owners` must not be negative, but row 0 belongs to label -2.");
  CHECK_THROWS_WITH(LabelIndex::build(tensor_of({{1, 2}, {nan, 0}}, 2)), "`rows` must be finite, but row 1 is not.");
  CHECK_THROWS_WITH(LabelIndex::build(tensor_of({{1, -infinity}}, 2)), "`rows` must be finite, but row 0 is not.");
  CHECK_THROWS_WITH(LabelIndex::build(row, {.normalize = true, .method = "ivf"}), "`method` must be \"exact\" or \"hnsw\", but is \"ivf\" instead.");

  const auto index = LabelIndex::build(row, as_they_are);
  CHECK_THROWS_WITH(index.with_added(tensor_of({{1, 2, 3}}, 3), one), "`rows` must have shape [num_rows, 2], but has shape [1, 3] instead.");
  CHECK_THROWS_WITH(index.search(row, 0), "`k` must be at least 1, but is 0 instead.");
  CHECK_THROWS_WITH(index.search(row[0], 1), "`queries` must have shape [num_queries, 2], but has shape [2] instead.");
  CHECK_THROWS_WITH(index.search(row.to(at::kInt), 1), "`queries` must be float32, but is Int instead.");
  CHECK_THROWS_WITH(index.search(tensor_of({{1, 2}, {infinity, 0}}, 2), 1), "`queries` must be finite, but row 1 is not.");
  CHECK_THROWS_WITH(index.search(tensor_of({{1e38f, 2}}, 2), 1), "`queries` row 0 is so long that scores would overflow float32.");
  CHECK_THROWS_AS(index.with_removed(std::vector<int64_t>{0, 4}), std::out_of_range);
  CHECK_THROWS_WITH(index.with_removed(std::vector<int64_t>{0, 4}), "Label number 4 has no rows in the index.");
  CHECK_THROWS_WITH(index.with_bias(std::vector<int64_t>{3}, std::vector<float>{1}), "Label number 3 has no rows in the index.");
  CHECK_THROWS_WITH(index.with_bias(one, std::vector<float>{1, 2}), "`biases` must have one number for each of the 1 labels, but has 2 instead.");
  CHECK_THROWS_WITH(index.with_bias(one, std::vector<float>{nan}), ContainsSubstring("`biases` must be finite and at most 1e38, but entry 0 is"));
}
