#include "lmtx/eval/metrics.h"

#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "catch.h"
#include "data.h"

using namespace lmtx;

namespace {

constexpr double tolerance = 1e-9;

// Made by tests/reference/metrics.py.
nlohmann::json reference_cases() {
  std::ifstream file(test::data_folder() / "eval" / "metrics.json");
  REQUIRE(file.good());
  return nlohmann::json::parse(file);
}

void check_close(const std::vector<double>& values, const std::vector<double>& expected) {
  REQUIRE(values.size() == expected.size());
  for (size_t i = 0; i < values.size(); ++i) {
    CAPTURE(i);
    CHECK(std::abs(values[i] - expected[i]) <= tolerance);
  }
}

const std::vector<std::vector<int64_t>> truth = {{0, 2}, {}, {1}};

}  // namespace

TEST_CASE("metrics equal pyxclib's definitions, computed with SciPy") {
  for (const auto& reference : reference_cases()) {
    const auto k = reference["k"].get<int64_t>();
    const auto targets = target_matrix(reference["targets"].get<std::vector<std::vector<int64_t>>>(), reference["num_labels"].get<int64_t>());
    const auto ranked = reference["ranked"].get<RankedLabels>();
    const auto expect = [&](const char* group, const char* name) { return reference[group][name].get<std::vector<double>>(); };
    check_close(precision(targets, ranked, k), expect("means", "precision"));
    check_close(recall(targets, ranked, k), expect("means", "recall"));
    check_close(ndcg(targets, ranked, k), expect("means", "ndcg"));
    check_close(precision_per_document(targets, ranked, k), expect("per_document", "precision"));
    check_close(recall_per_document(targets, ranked, k), expect("per_document", "recall"));
    check_close(ndcg_per_document(targets, ranked, k), expect("per_document", "ndcg"));
  }
}

TEST_CASE("documents without true labels count with 0, and short rankings are divided by k all the same") {
  const SparseMatrix targets = target_matrix(truth, 4);
  const RankedLabels ranked = {{0, 1, 2}, {3, 2, 1}, {1}};
  CHECK(precision_per_document(targets, ranked, 2) == std::vector<double>{0.5, 0, 0.5});
  CHECK(recall_per_document(targets, ranked, 2) == std::vector<double>{0.5, 0, 1});
  CHECK(ndcg_per_document(targets, ranked, 1) == std::vector<double>{1, 0, 1});
  check_close(precision(targets, ranked, 3), {2.0 / 3, 1.0 / 3, (2.0 / 3 + 1.0 / 3) / 3});
}

TEST_CASE("no documents give zeros") { CHECK(ndcg(target_matrix({}, 4), {}, 3) == std::vector<double>{0, 0, 0}); }

TEST_CASE("target_matrix lists a label once however often it is given") {
  const std::vector<std::vector<int64_t>> twice = {{2, 2, 0}};
  CHECK(target_matrix(twice, 3).sum() == 2);
}

TEST_CASE("rank orders by stored value, then by column, and leaves out what is not stored") {
  SparseMatrix scores(2, 5);
  scores.insert(0, 4) = 0.5;
  scores.insert(0, 1) = 0.5;
  scores.insert(0, 2) = -3;
  scores.insert(0, 3) = 0.9;
  CHECK(rank(scores, 3) == RankedLabels{{3, 1, 4}, {}});
  CHECK(rank(scores, 10) == RankedLabels{{3, 1, 4, 2}, {}});
  scores.insert(1, 0) = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_WITH(rank(scores, 3), "`scores` has NaN in row 1, column 0.");
  CHECK_THROWS_WITH(rank(scores, 0), "`k` must be at least 1, but is 0 instead.");
}

TEST_CASE("metrics name what is wrong with their arguments") {
  const SparseMatrix targets = target_matrix(truth, 4);
  CHECK_THROWS_WITH(precision(targets, {{0}, {1}, {2}}, 0), "`k` must be at least 1, but is 0 instead.");
  CHECK_THROWS_WITH(precision(targets, {{0}, {1}}, 1), "`ranked` must have one ranking for each of the 3 documents of `targets`, but has 2 instead.");
  CHECK_THROWS_WITH(recall(targets, {{0}, {1}, {4}}, 1), "Document 2 has label number 4 in its ranking, but there are 4 labels.");
  CHECK_THROWS_WITH(recall(targets, {{0}, {1, -1}, {2}}, 1), "Document 1 has label number -1 in its ranking, but there are 4 labels.");
  CHECK_THROWS_WITH(ndcg(targets, {{0}, {1}, {3, 1, 3}}, 1), "Document 2 has label number 3 twice in its ranking.");
  CHECK_THROWS_WITH(target_matrix(truth, 2), "Document 0 has label number 2 among its targets, but there are 2 labels.");
}
