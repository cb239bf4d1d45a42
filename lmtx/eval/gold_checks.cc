#include "lmtx/eval/gold_checks.h"

#include <cmath>
#include <stdexcept>

#include "lmtx/detail/quote.h"

namespace lmtx::detail {

namespace {

[[noreturn]] void refuse(const char* name, size_t position, const char* expected, double value) {
  throw std::invalid_argument(detail::quote(std::string(name) + "[" + std::to_string(position) + "]") + " must be " + expected + ", but is " +
                              std::to_string(value) + " instead.");
}

}  // namespace

void check_length(const char* name, size_t length, size_t expected) {
  if (length == expected) return;
  throw std::invalid_argument(detail::quote(name) + " must have an entry for each of the " + std::to_string(expected) + " pairs, but has " +
                              std::to_string(length) + " instead.");
}

void check_scores(const char* name, std::span<const double> scores) {
  for (size_t i = 0; i < scores.size(); ++i) {
    if (scores[i] < 0 || scores[i] > 1) refuse(name, i, "in [0, 1], or NaN for an abstention", scores[i]);
  }
}

void check_gold(std::span<const double> gold) {
  for (size_t i = 0; i < gold.size(); ++i) {
    if (gold[i] != 0 && gold[i] != 1) refuse("gold", i, "0 or 1", gold[i]);
  }
}

void check_weights(std::span<const double> weights, size_t num_pairs) {
  if (weights.empty()) return;
  check_length("weights", weights.size(), num_pairs);
  for (size_t i = 0; i < weights.size(); ++i) {
    if (!std::isfinite(weights[i]) || weights[i] < 0) refuse("weights", i, "finite and 0 or more", weights[i]);
  }
}

void check_documents(std::span<const int64_t> documents, size_t num_pairs) {
  if (!documents.empty()) check_length("documents", documents.size(), num_pairs);
}

}  // namespace lmtx::detail
