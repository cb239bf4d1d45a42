// Each metric is a function of the hits of one document: which ranks hold a true label.
#include "lmtx/eval/metrics.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

namespace lmtx {
namespace {

// What a document's metrics depend on.
struct Hits {
  // [at most k]: whether the label at this rank is true.
  std::vector<char> at_rank;
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

std::vector<Hits> find_hits(const SparseMatrix& targets, const RankedLabels& ranked, int64_t k) {
  check_arguments(targets, ranked, k);
  std::vector<Hits> hits(ranked.size());
  for (size_t i = 0; i < ranked.size(); ++i) {
    check_ranking(ranked[i], static_cast<int64_t>(i), targets.cols());
    const std::vector<int64_t> truth = true_labels(targets, static_cast<int64_t>(i));
    hits[i].num_true = static_cast<int64_t>(truth.size());
    const size_t depth = std::min(ranked[i].size(), static_cast<size_t>(k));
    for (size_t r = 0; r < depth; ++r) hits[i].at_rank.push_back(std::binary_search(truth.begin(), truth.end(), ranked[i][r]));
  }
  return hits;
}

int64_t count_hits(const Hits& hits, int64_t k) {
  const size_t depth = std::min(hits.at_rank.size(), static_cast<size_t>(k));
  return std::count(hits.at_rank.begin(), hits.at_rank.begin() + static_cast<std::ptrdiff_t>(depth), 1);
}

double precision_of(const Hits& hits, int64_t k) { return static_cast<double>(count_hits(hits, k)) / static_cast<double>(k); }

double recall_of(const Hits& hits, int64_t k) {
  return hits.num_true == 0 ? 0.0 : static_cast<double>(count_hits(hits, k)) / static_cast<double>(hits.num_true);
}

// Gain of a true label at `rank`, counted from 1 (Järvelin and Kekäläinen 2002).
double gain(int64_t rank) { return 1.0 / std::log2(static_cast<double>(rank) + 1.0); }

double ndcg_of(const Hits& hits, int64_t k) {
  double found = 0, best = 0;
  for (int64_t rank = 1; rank <= std::min(k, hits.num_true); ++rank) best += gain(rank);
  for (int64_t rank = 1; rank <= std::min<int64_t>(k, static_cast<int64_t>(hits.at_rank.size())); ++rank) {
    if (hits.at_rank[rank - 1]) found += gain(rank);
  }
  return best == 0 ? 0.0 : found / best;
}

using Metric = double (*)(const Hits&, int64_t k);

std::vector<double> per_document(Metric metric, const SparseMatrix& targets, const RankedLabels& ranked, int64_t k) {
  std::vector<double> values;
  for (const Hits& hits : find_hits(targets, ranked, k)) values.push_back(metric(hits, k));
  return values;
}

std::vector<double> means(Metric metric, const SparseMatrix& targets, const RankedLabels& ranked, int64_t max_k) {
  const std::vector<Hits> hits = find_hits(targets, ranked, max_k);
  std::vector<double> result(static_cast<size_t>(max_k), 0.0);
  for (int64_t k = 1; k <= max_k && !hits.empty(); ++k) {
    double sum = 0;
    for (const Hits& h : hits) sum += metric(h, k);
    result[k - 1] = sum / static_cast<double>(hits.size());
  }
  return result;
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

std::vector<double> precision_per_document(const SparseMatrix& targets, const RankedLabels& ranked, int64_t k) {
  return per_document(precision_of, targets, ranked, k);
}
std::vector<double> recall_per_document(const SparseMatrix& targets, const RankedLabels& ranked, int64_t k) {
  return per_document(recall_of, targets, ranked, k);
}
std::vector<double> ndcg_per_document(const SparseMatrix& targets, const RankedLabels& ranked, int64_t k) {
  return per_document(ndcg_of, targets, ranked, k);
}

std::vector<double> precision(const SparseMatrix& targets, const RankedLabels& ranked, int64_t max_k) { return means(precision_of, targets, ranked, max_k); }
std::vector<double> recall(const SparseMatrix& targets, const RankedLabels& ranked, int64_t max_k) { return means(recall_of, targets, ranked, max_k); }
std::vector<double> ndcg(const SparseMatrix& targets, const RankedLabels& ranked, int64_t max_k) { return means(ndcg_of, targets, ranked, max_k); }

}  // namespace lmtx
