// Batches of judged pairs that the tests of their losses share, on the CPU and on a card.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "lmtx/detail/random.h"
#include "lmtx/train/judged_batch.h"

namespace lmtx::test {

struct JudgedCase {
  std::string name;
  std::vector<JudgedRow> rows;
  int64_t columns = 0;
  // float64, each number also a float32: [B, 6] and [C, 6], of length about 1.
  at::Tensor left, right;

  JudgedBatch batch() const { return JudgedBatch::of(rows, columns); }
};

inline at::Tensor drawn_vectors(int64_t rows, uint64_t key) {
  at::Tensor vectors = at::empty({rows, 6}, at::kDouble);
  detail::KeyedRandom random(key);
  double* next = vectors.mutable_data_ptr<double>();
  for (int64_t i = 0; i < vectors.numel(); ++i) next[i] = static_cast<float>(random.uniform() - 0.5);
  return vectors;
}

inline JudgedEntry drawn_entry(int64_t column, detail::KeyedRandom& random) {
  const double kind = random.uniform();
  if (kind < 0.35) return {column, 0.5 + 0.5 * random.uniform(), 1 - 0.5 * random.uniform(), PairUse::positive};
  if (kind < 0.75) return {column, 0.1 * random.uniform(), 1, PairUse::negative};
  return {column, 0.1 + 0.6 * random.uniform(), 0.2 + 0.5 * random.uniform(), PairUse::soft};
}

// About half of the pairs are judged, a fifth near, the rest far; every other far pair is in its row's list.
inline JudgedRow drawn_row(int64_t columns, detail::KeyedRandom& random) {
  JudgedRow row;
  const int64_t always = random.below(columns);
  for (int64_t column = 0; column < columns; ++column) {
    const double kind = random.uniform();
    if (kind < 0.5 || column == always)
      row.judged.push_back(drawn_entry(column, random));
    else if (kind < 0.7)
      row.near.push_back(column);
    else if (column % 2 == 0)
      row.listed.push_back(column);
  }
  return row;
}

inline JudgedCase drawn_case(int64_t rows, int64_t columns, uint64_t key) {
  detail::KeyedRandom random(key);
  JudgedCase c{
      std::to_string(rows) + " rows, " + std::to_string(columns) + " columns", {}, columns, drawn_vectors(rows, key + 100), drawn_vectors(columns, key + 200)};
  for (int64_t i = 0; i < rows; ++i) c.rows.push_back(drawn_row(columns, random));
  return c;
}

inline std::vector<JudgedCase> judged_cases() {
  std::vector<JudgedCase> cases;
  for (const int64_t rows : {1, 2, 7}) {
    for (const int64_t columns : {1, 3, 20}) cases.push_back(drawn_case(rows, columns, static_cast<uint64_t>(1000 * rows + columns)));
  }
  const auto with_rows = [&](const std::string& name, std::vector<JudgedRow> rows, int64_t columns) {
    cases.push_back({name, std::move(rows), columns, drawn_vectors(static_cast<int64_t>(rows.size()), 7), drawn_vectors(columns, 8)});
    cases.back().left = drawn_vectors(static_cast<int64_t>(cases.back().rows.size()), 7);
  };
  with_rows("no positives", {{{{0, 0.05, 1, PairUse::negative}, {1, 0.3, 0.4, PairUse::soft}}, {2}, {3}}, {{{2, 0.4, 0.2, PairUse::soft}}}}, 4);
  with_rows("positives only, all else near",
            {{{{0, 0.9, 1, PairUse::positive}, {1, 0.8, 1, PairUse::positive}}, {2}}, {{{2, 0.99, 1, PairUse::positive}}, {0, 1}}}, 3);
  with_rows("sure targets",
            {{{{0, 1, 1, PairUse::positive}, {1, 0, 1, PairUse::negative}}}, {{{1, 1, 1, PairUse::positive}, {2, 0, 1, PairUse::negative}}, {0}}}, 3);
  return cases;
}

}  // namespace lmtx::test
