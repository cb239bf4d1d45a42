// Each metric is a function of the gains of one document: what the label at each rank counts, where it is true.
#include "lmtx/eval/metrics.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <stdexcept>
#include <string>

#include "lmtx/stopped.h"

namespace lmtx {
namespace {

// What a document's metrics depend on.
struct Gains {
  // [at most k]: the weight of the label at this rank, 0 where it is not true.
  std::vector<double> found;
  // [at most k]: the weights of the true labels, falling.
  std::vector<double> best;
  int64_t num_true = 0;
};

std::vector<int64_t> true_labels(const SparseMatrix& targets, int64_t document) {
  std::vector<int64_t> labels;
  for (SparseMatrix::InnerIterator entry(targets, document); entry; ++entry) {
    if (entry.value() != 0) labels.push_back(entry.col());
  }
  std::sort(labels.begin(), labels.end());
  return labels;
}

void check_ranking(const std::vector<int64_t>& ranking, int64_t document, int64_t num_labels) {
  for (int64_t label : ranking) {
    if (label < 0 || label >= num_labels) {
      throw std::out_of_range("Document " + std::to_string(document) + " has label number " + std::to_string(label) + " in its ranking, but there are " +
                              std::to_string(num_labels) + " labels.");
    }
  }
  std::vector<int64_t> sorted = ranking;
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice != sorted.end()) {
    throw std::invalid_argument("Document " + std::to_string(document) + " has label number " + std::to_string(*twice) + " twice in its ranking.");
  }
}

void check_arguments(const SparseMatrix& targets, const RankedLabels& ranked, int64_t k) {
  if (k < 1) throw std::invalid_argument("`k` must be at least 1, but is " + std::to_string(k) + " instead.");
  if (targets.rows() != static_cast<int64_t>(ranked.size())) {
    throw std::invalid_argument("`ranked` must have one ranking for each of the " + std::to_string(targets.rows()) + " documents of `targets`, but has " +
                                std::to_string(ranked.size()) + " instead.");
  }
}

// A weight for each label; without any, each counts 1.
double weight_of(std::span<const double> weights, int64_t label) { return weights.empty() ? 1.0 : weights[static_cast<size_t>(label)]; }

Gains gains_of(const std::vector<int64_t>& truth, const std::vector<int64_t>& ranking, std::span<const double> weights, int64_t k) {
  Gains gains{.found = {}, .best = {}, .num_true = static_cast<int64_t>(truth.size())};
  const size_t depth = std::min(ranking.size(), static_cast<size_t>(k));
  for (size_t r = 0; r < depth; ++r) {
    const bool is_true = std::binary_search(truth.begin(), truth.end(), ranking[r]);
    gains.found.push_back(is_true ? weight_of(weights, ranking[r]) : 0.0);
  }
  for (const int64_t label : truth) gains.best.push_back(weight_of(weights, label));
  std::sort(gains.best.begin(), gains.best.end(), std::greater<>());
  gains.best.resize(std::min(gains.best.size(), static_cast<size_t>(k)));
  return gains;
}

std::vector<Gains> find_gains(const SparseMatrix& targets, const RankedLabels& ranked, std::span<const double> weights, int64_t k,
                              const std::stop_token& stop) {
  check_arguments(targets, ranked, k);
  std::vector<Gains> gains;
  for (size_t i = 0; i < ranked.size(); ++i) {
    check_stop(stop);
    check_ranking(ranked[i], static_cast<int64_t>(i), targets.cols());
    gains.push_back(gains_of(true_labels(targets, static_cast<int64_t>(i)), ranked[i], weights, k));
  }
  return gains;
}

void check_weights(std::span<const double> weights, int64_t num_labels) {
  if (static_cast<int64_t>(weights.size()) != num_labels) {
    throw std::invalid_argument("`weights` must have one for each of the " + std::to_string(num_labels) + " labels, but has " + std::to_string(weights.size()) +
                                " instead.");
  }
  for (size_t label = 0; label < weights.size(); ++label) {
    if (std::isfinite(weights[label]) && weights[label] > 0) continue;
    throw std::invalid_argument("The weight of label " + std::to_string(label) + " must be above 0, but is " + std::to_string(weights[label]) + " instead.");
  }
}

// A metric of gains by rank, of a document with so many true labels.
using Metric = double (*)(std::span<const double> gains, int64_t num_true, int64_t k);

std::span<const double> first(std::span<const double> gains, int64_t k) { return gains.first(std::min(gains.size(), static_cast<size_t>(k))); }

double sum(std::span<const double> values) { return std::accumulate(values.begin(), values.end(), 0.0); }

double precision_of(std::span<const double> gains, int64_t /*num_true*/, int64_t k) { return sum(first(gains, k)) / static_cast<double>(k); }

double recall_of(std::span<const double> gains, int64_t num_true, int64_t k) {
  return num_true == 0 ? 0.0 : sum(first(gains, k)) / static_cast<double>(num_true);
}

// What a gain of 1 counts at `rank`, from 1 (Järvelin and Kekäläinen 2002).
double discount(int64_t rank) { return 1.0 / std::log2(static_cast<double>(rank) + 1.0); }

double ndcg_of(std::span<const double> gains, int64_t num_true, int64_t k) {
  double found = 0, best = 0;
  for (int64_t rank = 1; rank <= std::min(k, num_true); ++rank) best += discount(rank);
  for (size_t r = 0; r < first(gains, k).size(); ++r) {
    if (gains[r] != 0) found += gains[r] * discount(static_cast<int64_t>(r) + 1);
  }
  return best == 0 ? 0.0 : found / best;
}

std::vector<double> per_document(Metric metric, const SparseMatrix& targets, const RankedLabels& ranked, int64_t k, const std::stop_token& stop) {
  std::vector<double> values;
  for (const Gains& gains : find_gains(targets, ranked, {}, k, stop)) values.push_back(metric(gains.found, gains.num_true, k));
  return values;
}

ScoredGains scored_per_document(Metric metric, const SparseMatrix& targets, const RankedLabels& ranked, std::span<const double> weights, int64_t k,
                                const std::stop_token& stop) {
  check_weights(weights, targets.cols());
  ScoredGains scored;
  for (const Gains& gains : find_gains(targets, ranked, weights, k, stop)) {
    scored.found.push_back(metric(gains.found, gains.num_true, k));
    scored.best.push_back(metric(gains.best, gains.num_true, k));
  }
  return scored;
}

template <typename Value>
std::vector<double> for_each_k(int64_t max_k, const std::stop_token& stop, Value&& value) {
  std::vector<double> values;
  for (int64_t k = 1; k <= max_k; ++k) {
    check_stop(stop);
    values.push_back(value(k));
  }
  return values;
}

std::vector<double> means(Metric metric, const SparseMatrix& targets, const RankedLabels& ranked, int64_t max_k, const std::stop_token& stop) {
  const std::vector<Gains> gains = find_gains(targets, ranked, {}, max_k, stop);
  return for_each_k(max_k, stop, [&](int64_t k) {
    double total = 0;
    for (const Gains& g : gains) total += metric(g.found, g.num_true, k);
    return gains.empty() ? 0.0 : total / static_cast<double>(gains.size());
  });
}

std::vector<double> ratios(Metric metric, const SparseMatrix& targets, const RankedLabels& ranked, std::span<const double> weights, int64_t max_k,
                           const std::stop_token& stop) {
  check_weights(weights, targets.cols());
  const std::vector<Gains> gains = find_gains(targets, ranked, weights, max_k, stop);
  return for_each_k(max_k, stop, [&](int64_t k) {
    double found = 0, best = 0;
    for (const Gains& g : gains) {
      found += metric(g.found, g.num_true, k);
      best += metric(g.best, g.num_true, k);
    }
    return best == 0 ? 0.0 : found / best;
  });
}

using Scored = std::pair<double, int64_t>;

bool ranks_before(const Scored& a, const Scored& b) { return a.first != b.first ? a.first > b.first : a.second < b.second; }

std::vector<Scored> stored_scores(const SparseMatrix& scores, int64_t row) {
  std::vector<Scored> entries;
  for (SparseMatrix::InnerIterator entry(scores, row); entry; ++entry) {
    if (std::isnan(entry.value())) {
      throw std::invalid_argument("`scores` has NaN in row " + std::to_string(row) + ", column " + std::to_string(entry.col()) + ".");
    }
    entries.emplace_back(entry.value(), entry.col());
  }
  return entries;
}

}  // namespace

SparseMatrix target_matrix(std::span<const std::vector<int64_t>> targets, int64_t num_labels) {
  std::vector<Eigen::Triplet<double, int64_t>> entries;
  for (size_t i = 0; i < targets.size(); ++i) {
    for (int64_t label : targets[i]) {
      if (label < 0 || label >= num_labels) {
        throw std::out_of_range("Document " + std::to_string(i) + " has label number " + std::to_string(label) + " among its targets, but there are " +
                                std::to_string(num_labels) + " labels.");
      }
      entries.emplace_back(static_cast<int64_t>(i), label, 1.0);
    }
  }
  SparseMatrix matrix(static_cast<int64_t>(targets.size()), num_labels);
  matrix.setFromTriplets(entries.begin(), entries.end(), [](double, double latest) { return latest; });
  return matrix;
}

RankedLabels rank(const SparseMatrix& scores, int64_t k) {
  if (k < 1) throw std::invalid_argument("`k` must be at least 1, but is " + std::to_string(k) + " instead.");
  RankedLabels ranked(static_cast<size_t>(scores.rows()));
  for (int64_t row = 0; row < scores.rows(); ++row) {
    std::vector<Scored> entries = stored_scores(scores, row);
    const auto end = entries.begin() + std::min(k, static_cast<int64_t>(entries.size()));
    std::partial_sort(entries.begin(), end, entries.end(), ranks_before);
    for (auto entry = entries.begin(); entry != end; ++entry) ranked[row].push_back(entry->second);
  }
  return ranked;
}

std::vector<double> precision_per_document(const SparseMatrix& targets, const RankedLabels& ranked, int64_t k, const std::stop_token& stop) {
  return per_document(precision_of, targets, ranked, k, stop);
}
std::vector<double> recall_per_document(const SparseMatrix& targets, const RankedLabels& ranked, int64_t k, const std::stop_token& stop) {
  return per_document(recall_of, targets, ranked, k, stop);
}
std::vector<double> ndcg_per_document(const SparseMatrix& targets, const RankedLabels& ranked, int64_t k, const std::stop_token& stop) {
  return per_document(ndcg_of, targets, ranked, k, stop);
}

std::vector<double> precision(const SparseMatrix& targets, const RankedLabels& ranked, int64_t max_k, const std::stop_token& stop) {
  return means(precision_of, targets, ranked, max_k, stop);
}
std::vector<double> recall(const SparseMatrix& targets, const RankedLabels& ranked, int64_t max_k, const std::stop_token& stop) {
  return means(recall_of, targets, ranked, max_k, stop);
}
std::vector<double> ndcg(const SparseMatrix& targets, const RankedLabels& ranked, int64_t max_k, const std::stop_token& stop) {
  return means(ndcg_of, targets, ranked, max_k, stop);
}

ScoredGains psprecision_per_document(const SparseMatrix& targets, const RankedLabels& ranked, std::span<const double> weights, int64_t k,
                                     const std::stop_token& stop) {
  return scored_per_document(precision_of, targets, ranked, weights, k, stop);
}
ScoredGains psrecall_per_document(const SparseMatrix& targets, const RankedLabels& ranked, std::span<const double> weights, int64_t k,
                                  const std::stop_token& stop) {
  return scored_per_document(recall_of, targets, ranked, weights, k, stop);
}
ScoredGains psndcg_per_document(const SparseMatrix& targets, const RankedLabels& ranked, std::span<const double> weights, int64_t k,
                                const std::stop_token& stop) {
  return scored_per_document(ndcg_of, targets, ranked, weights, k, stop);
}

std::vector<double> psprecision(const SparseMatrix& targets, const RankedLabels& ranked, std::span<const double> weights, int64_t max_k,
                                const std::stop_token& stop) {
  return ratios(precision_of, targets, ranked, weights, max_k, stop);
}
std::vector<double> psrecall(const SparseMatrix& targets, const RankedLabels& ranked, std::span<const double> weights, int64_t max_k,
                             const std::stop_token& stop) {
  return ratios(recall_of, targets, ranked, weights, max_k, stop);
}
std::vector<double> psndcg(const SparseMatrix& targets, const RankedLabels& ranked, std::span<const double> weights, int64_t max_k,
                           const std::stop_token& stop) {
  return ratios(ndcg_of, targets, ranked, weights, max_k, stop);
}

}  // namespace lmtx
