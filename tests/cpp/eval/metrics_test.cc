#include "lmtx/eval/metrics.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "catch.h"
#include "data.h"
#include "lmtx/eval/propensity.h"
#include "lmtx/stopped.h"

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

SparseMatrix score_matrix(const nlohmann::json& rows, int64_t num_labels) {
  SparseMatrix scores(static_cast<int64_t>(rows.size()), num_labels);
  for (size_t i = 0; i < rows.size(); ++i) {
    for (const auto& entry : rows[i]) scores.insert(static_cast<int64_t>(i), entry[0].get<int64_t>()) = entry[1].get<double>();
  }
  return scores;
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

TEST_CASE("propensity-scored metrics equal pyxclib's definitions, computed with NumPy") {
  for (const auto& reference : reference_cases()) {
    const auto k = reference["k"].get<int64_t>();
    const auto& propensity = reference["propensity"];
    const auto targets = target_matrix(reference["targets"].get<std::vector<std::vector<int64_t>>>(), reference["num_labels"].get<int64_t>());
    const auto ranked = reference["ranked"].get<RankedLabels>();
    const auto weights = inverse_propensities(propensity["frequencies"].get<std::vector<double>>(), propensity["num_documents"].get<int64_t>(),
                                              {.a = propensity["a"].get<double>(), .b = propensity["b"].get<double>()});
    check_close(weights, propensity["weights"].get<std::vector<double>>());
    const auto expect = [&](const char* group, const char* name) { return propensity[group][name].get<std::vector<double>>(); };
    check_close(psprecision(targets, ranked, weights, k), expect("ratios", "precision"));
    check_close(psrecall(targets, ranked, weights, k), expect("ratios", "recall"));
    check_close(psndcg(targets, ranked, weights, k), expect("ratios", "ndcg"));
    check_close(psprecision_per_document(targets, ranked, weights, k).found, expect("found", "precision"));
    check_close(psprecision_per_document(targets, ranked, weights, k).best, expect("best", "precision"));
    check_close(psrecall_per_document(targets, ranked, weights, k).found, expect("found", "recall"));
    check_close(psrecall_per_document(targets, ranked, weights, k).best, expect("best", "recall"));
    check_close(psndcg_per_document(targets, ranked, weights, k).found, expect("found", "ndcg"));
    check_close(psndcg_per_document(targets, ranked, weights, k).best, expect("best", "ndcg"));
  }
}

TEST_CASE("equal scores are ranked by label number, as in the reference") {
  int64_t compared = 0;
  for (const auto& reference : reference_cases()) {
    if (!reference.contains("scores")) continue;
    CHECK(rank(score_matrix(reference["scores"], reference["num_labels"].get<int64_t>()), reference["k"].get<int64_t>()) == reference["ranked"].get<RankedLabels>());
    ++compared;
  }
  CHECK(compared > 0);
}

TEST_CASE("a label that is heavier counts more, and the best order reaches 1") {
  const SparseMatrix targets = target_matrix(truth, 4);
  const std::vector<double> weights = {1, 2, 5, 9};
  check_close(psprecision(targets, {{0}, {3}, {1}}, weights, 1), {(1 + 2) / (5.0 + 2)});
  check_close(psprecision(targets, {{2}, {3}, {1}}, weights, 1), {1});
  check_close(psndcg(targets, {{2, 0}, {}, {1}}, weights, 3), {1, 1, 1});
  check_close(psrecall(targets, {{3, 2}, {}, {1}}, weights, 2), {2 / (2.5 + 2), (2.5 + 2) / (3.0 + 2)});
  const std::vector<double> equal = {1, 1, 1, 1};
  // Documents with one true label cannot reach a precision@2 of 1.
  check_close(psprecision(targets, {{0, 1}, {3}, {2}}, equal, 2), {1 / 2.0, 1 / 3.0});
}

TEST_CASE("propensity-scored metrics are 0 where no document has a true label") {
  const std::vector<double> weights = {1, 2};
  CHECK(psndcg(target_matrix(std::vector<std::vector<int64_t>>{{}, {}}, 2), {{0}, {1}}, weights, 2) == std::vector<double>{0, 0});
  CHECK(psprecision(target_matrix({}, 2), {}, weights, 1) == std::vector<double>{0});
}

TEST_CASE("frequencies count documents, and rarer labels weigh more") {
  SparseMatrix targets = target_matrix(truth, 4);
  targets.insert(2, 3) = 0;
  CHECK(label_frequencies(targets) == std::vector<double>{1, 1, 1, 0});
  const std::vector<double> weights = inverse_propensities(std::vector<double>{0, 0.5, 10, 900}, 1000);
  CHECK(std::is_sorted(weights.rbegin(), weights.rend()));
  CHECK(weights[3] > 1);
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
  const std::vector<double> few = {1, 2, 3}, zero = {1, 0, 1, 1};
  CHECK_THROWS_WITH(psprecision(targets, {{0}, {1}, {2}}, few, 1), "`weights` must have one for each of the 4 labels, but has 3 instead.");
  CHECK_THROWS_WITH(psndcg_per_document(targets, {{0}, {1}, {2}}, zero, 1), "The weight of label 1 must be above 0, but is 0.000000 instead.");
  CHECK_THROWS_WITH(inverse_propensities(few, 0), "`num_documents` must be at least 1, but is 0 instead.");
  CHECK_THROWS_WITH(inverse_propensities(few, 5, {.a = 0.5, .b = 0}), "`b` of the propensity constants must be above 0, but is 0.000000 instead.");
  CHECK_THROWS_WITH(inverse_propensities(std::vector<double>{1, -1}, 5), "The frequency of label 1 must be 0 or above, but is -1.000000 instead.");
  CHECK_THROWS_WITH(target_matrix(truth, 2), "Document 0 has label number 2 among its targets, but there are 2 labels.");
}

TEST_CASE("a stop request ends metrics") {
  std::stop_source source;
  source.request_stop();
  const std::stop_token stop = source.get_token();
  const SparseMatrix targets = target_matrix(std::vector<std::vector<int64_t>>{{0}, {1}}, 2);
  const RankedLabels ranked = {{0}, {0, 1}};
  const std::vector<double> weights = {1, 2};
  CHECK_THROWS_AS(precision(targets, ranked, 2, stop), Stopped);
  CHECK_THROWS_AS(ndcg_per_document(targets, ranked, 2, stop), Stopped);
  CHECK_THROWS_AS(psprecision(targets, ranked, weights, 2, stop), Stopped);
  CHECK_THROWS_AS(psrecall_per_document(targets, ranked, weights, 2, stop), Stopped);
}
