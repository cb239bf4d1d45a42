// Draws of documents for intervals of what is no mean: pairs of one document are drawn together. Internal.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <vector>

#include "lmtx/eval/bootstrap.h"

namespace lmtx::detail {

// Between the two nearest order statistics, linearly (type 7 of Hyndman and Fan 1996, as NumPy's default). `sorted` is not empty.
double quantile(std::span<const double> sorted, double share);

void check_bootstrap(double level, int64_t resamples);

// The documents of pairs by numbers from 0; without any, each pair has its own.
struct PairDocuments {
  PairDocuments(std::span<const int64_t> documents, size_t num_pairs);
  // [num_pairs]
  std::vector<int64_t> of_pair;
  int64_t count = 0;
};

// For each value that `statistics` gives an interval: of the value with all documents once, and, as `low` and `high`, the percentiles of the values with so
// many drawn at random with replacement. `statistics` is given how often each document was drawn, [count]. NaN is a value that a draw does not have: such draws
// are left out, and what no draw has is NaN.
using Statistics = std::function<std::vector<double>(std::span<const double> draws)>;
std::vector<Interval> bootstrap_documents(int64_t num_documents, const Statistics& statistics, double level, int64_t resamples, uint64_t seed,
                                          const std::stop_token& stop);

}  // namespace lmtx::detail
