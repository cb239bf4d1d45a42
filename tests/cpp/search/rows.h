// Rows for tests, and search by looking at everything.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <ostream>
#include <set>
#include <utility>
#include <vector>

#include "lmtx/detail/random.h"
#include "lmtx/search/label_index.h"

using Row = std::vector<float>;

inline at::Tensor tensor_of(const std::vector<Row>& rows, int64_t dim) {
  at::Tensor tensor = at::empty({static_cast<int64_t>(rows.size()), dim}, at::kFloat);
  for (size_t i = 0; i < rows.size(); ++i) std::copy(rows[i].begin(), rows[i].end(), tensor.mutable_data_ptr<float>() + i * dim);
  return tensor;
}

// Whole numbers: every sum of products is exact, so equal scores are common and equal in any arithmetic.
inline std::vector<Row> whole_rows(int64_t n, int64_t dim, int64_t largest, uint64_t seed) {
  lmtx::detail::KeyedRandom random(lmtx::detail::random_key(seed, "whole rows"));
  std::vector<Row> rows(n, Row(dim));
  for (Row& row : rows) {
    for (float& x : row) x = static_cast<float>(random.below(2 * largest + 1) - largest);
  }
  return rows;
}

inline std::vector<Row> unit_rows(int64_t n, int64_t dim, uint64_t seed) {
  lmtx::detail::KeyedRandom random(lmtx::detail::random_key(seed, "unit rows"));
  std::vector<Row> rows(n, Row(dim));
  for (Row& row : rows) {
    double squares = 0;
    for (float& x : row) {
      x = static_cast<float>(random.uniform() - 0.5);
      squares += static_cast<double>(x) * x;
    }
    for (float& x : row) x = static_cast<float>(x / std::sqrt(squares));
  }
  return rows;
}

inline std::vector<int64_t> count_up(int64_t n) {
  std::vector<int64_t> numbers(n);
  for (int64_t i = 0; i < n; ++i) numbers[i] = i;
  return numbers;
}

// One query's matches.
struct Ranking {
  std::vector<int64_t> labels;
  std::vector<float> scores;
  bool operator==(const Ranking&) const = default;
};

inline std::ostream& operator<<(std::ostream& stream, const Ranking& ranking) {
  for (size_t i = 0; i < ranking.labels.size(); ++i) stream << (i == 0 ? "" : ", ") << ranking.labels[i] << ": " << ranking.scores[i];
  return stream;
}

inline std::vector<Ranking> rankings_of(const lmtx::LabelMatches& matches) {
  const int64_t k = matches.labels.size(1);
  std::vector<Ranking> rankings;
  for (int64_t q = 0; q < matches.labels.size(0); ++q) {
    const auto* labels = matches.labels.const_data_ptr<int64_t>() + q * k;
    const auto* scores = matches.scores.const_data_ptr<float>() + q * k;
    rankings.push_back({{labels, labels + k}, {scores, scores + k}});
  }
  return rankings;
}

// What an index should know: the rows of each label, and its bias.
struct BruteForce {
  std::map<int64_t, std::vector<Row>> rows;
  std::map<int64_t, float> biases;

  void add(const std::vector<Row>& more, const std::vector<int64_t>& owners) {
    for (size_t i = 0; i < more.size(); ++i) rows[owners[i]].push_back(more[i]);
  }

  Ranking search(const Row& query, int64_t k, const lmtx::LabelFilter& filter = {}) const {
    const std::set<int64_t> allow(filter.allow.begin(), filter.allow.end()), deny(filter.deny.begin(), filter.deny.end());
    std::vector<std::pair<float, int64_t>> all;
    for (const auto& [label, owned] : rows) {
      if ((!allow.empty() && !allow.contains(label)) || deny.contains(label)) continue;
      float best = -std::numeric_limits<float>::infinity();
      for (const Row& row : owned) best = std::max(best, score(query, row, label));
      all.emplace_back(-best, label);
    }
    std::sort(all.begin(), all.end());
    Ranking ranking{std::vector<int64_t>(k, -1), std::vector<float>(k, -std::numeric_limits<float>::infinity())};
    for (size_t i = 0; i < std::min(all.size(), static_cast<size_t>(k)); ++i) {
      ranking.scores[i] = -all[i].first;
      ranking.labels[i] = all[i].second;
    }
    return ranking;
  }

  std::vector<Ranking> search(const std::vector<Row>& queries, int64_t k, const lmtx::LabelFilter& filter = {}) const {
    std::vector<Ranking> rankings;
    for (const Row& query : queries) rankings.push_back(search(query, k, filter));
    return rankings;
  }

 private:
  float score(const Row& query, const Row& row, int64_t label) const {
    double sum = 0;
    for (size_t j = 0; j < row.size(); ++j) sum += static_cast<double>(query[j]) * row[j];
    const auto bias = biases.find(label);
    return static_cast<float>(sum + (bias == biases.end() ? 0.0f : bias->second));
  }
};
