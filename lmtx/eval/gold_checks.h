// What is checked of scores and gold before anything is computed from them. Internal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace lmtx::detail {

// All throw std::invalid_argument naming the list, and the position where there is one.
void check_length(const char* name, size_t length, size_t expected);
// In [0, 1], or NaN.
void check_scores(const char* name, std::span<const double> scores);
// 0 or 1.
void check_gold(std::span<const double> gold);
// Empty, or as many as there are pairs, each finite and 0 or more.
void check_weights(std::span<const double> weights, size_t num_pairs);
// Empty, or as many as there are pairs.
void check_documents(std::span<const int64_t> documents, size_t num_pairs);

}  // namespace lmtx::detail
