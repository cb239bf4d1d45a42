#include "lmtx/train/judged_batch.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <span>
#include <utility>

#include "lmtx/detail/to_tensor.h"
#include "lmtx/train/odds.h"

namespace lmtx {

namespace {

// Beyond, logits are those of targets this near to 0 and 1.
constexpr double surest = 0.9999;

at::Tensor places_of(const std::vector<int64_t>& places) { return detail::to_tensor(places); }

at::Tensor numbers_of(const std::vector<double>& numbers) { return detail::to_tensor(std::vector<float>(numbers.begin(), numbers.end())); }

// exp((t - max) / tau), not yet divided by their sum.
std::vector<double> unscaled_softmax(std::span<const double> logits, double tau) {
  const double best = *std::max_element(logits.begin(), logits.end());
  std::vector<double> weights;
  for (const double logit : logits) weights.push_back(std::exp((logit - best) / tau));
  return weights;
}

double sum_of(std::span<const double> numbers) {
  double sum = 0;
  for (const double number : numbers) sum += number;
  return sum;
}

double perplexity(std::span<const double> logits, double tau) {
  const std::vector<double> weights = unscaled_softmax(logits, tau);
  const double sum = sum_of(weights);
  double entropy = 0;
  for (const double weight : weights) entropy -= weight > 0 ? weight / sum * std::log(weight / sum) : 0;
  return std::exp(entropy);
}

// By bisection of its logarithm: the perplexity rises with tau.
double find_tau(std::span<const double> logits, double wanted) {
  double low = std::log(1e-3), high = std::log(1e4);
  for (int i = 0; i < 50; ++i) {
    const double middle = (low + high) / 2;
    (perplexity(logits, std::exp(middle)) < wanted ? low : high) = middle;
  }
  return std::exp((low + high) / 2);
}

double expected_yeses(const JudgedRow& row) {
  double sum = 0;
  for (const JudgedEntry& entry : row.judged) sum += entry.target;
  return sum;
}

// Over the judged, then the listed columns of a row.
std::vector<double> list_distribution(const JudgedRow& row) {
  std::vector<double> logits;
  for (const JudgedEntry& entry : row.judged) logits.push_back(logit(entry.target, surest));
  const double tau = find_tau(logits, std::max(1.0, expected_yeses(row)));
  logits.resize(logits.size() + row.listed.size(), *std::min_element(logits.begin(), logits.end()));
  std::vector<double> weights = unscaled_softmax(logits, tau);
  const double sum = sum_of(weights);
  for (double& weight : weights) weight /= sum;
  return weights;
}

// Shares of the positives in a mean over groups (rows or columns) of weighted means.
std::vector<double> shares(const std::vector<int64_t>& groups, const std::vector<double>& weights) {
  std::map<int64_t, double> sums;
  for (size_t i = 0; i < groups.size(); ++i) sums[groups[i]] += weights[i];
  std::vector<double> shares;
  for (size_t i = 0; i < groups.size(); ++i) shares.push_back(weights[i] / sums[groups[i]] / static_cast<double>(sums.size()));
  return shares;
}

// Collects the lists of a batch row by row.
class Builder {
 public:
  explicit Builder(int64_t num_columns) : num_columns_(num_columns) {}

  void add(const JudgedRow& row) {
    for (const JudgedEntry& entry : row.judged) add_judged(entry);
    for (const int64_t column : row.near) near_.push_back(place(column));
    if (!row.judged.empty()) add_list(row);
    ++row_;
  }

  JudgedBatch finish() {
    const double importance = std::max(sum_of(importances_), 1e-9);
    std::vector<double> list_shares;
    for (const int64_t place : listed_) list_shares.push_back(importances_[static_cast<size_t>(place / num_columns_)] / importance);
    return {.num_rows = row_,
            .num_columns = num_columns_,
            .judged = places_of(judged_),
            .targets = numbers_of(targets_),
            .weights = numbers_of(weights_),
            .positive_weights = numbers_of(positive_weights_),
            .positives = places_of(positives_),
            .row_shares = numbers_of(shares(positive_rows_, weights_of_positives_)),
            .column_shares = numbers_of(shares(positive_columns_, weights_of_positives_)),
            .negatives = places_of(negatives_),
            .no_probabilities = numbers_of(no_probabilities_),
            .near = places_of(near_),
            .listed = places_of(listed_),
            .list_targets = numbers_of(list_targets_),
            .list_shares = numbers_of(list_shares)};
  }

 private:
  int64_t place(int64_t column) const { return row_ * num_columns_ + column; }

  void add_judged(const JudgedEntry& entry) {
    const bool positive = entry.use == PairUse::positive;
    judged_.push_back(place(entry.column));
    targets_.push_back(entry.target);
    weights_.push_back(entry.weight);
    positive_weights_.push_back(positive ? entry.weight : 0);
    if (positive) {
      positives_.push_back(place(entry.column));
      positive_rows_.push_back(row_);
      positive_columns_.push_back(entry.column);
      weights_of_positives_.push_back(entry.weight);
    } else if (entry.use == PairUse::negative) {
      negatives_.push_back(place(entry.column));
      no_probabilities_.push_back(1 - entry.target);
    }
  }

  void add_list(const JudgedRow& row) {
    const std::vector<double> targets = list_distribution(row);
    std::vector<std::pair<int64_t, double>> list;
    for (size_t i = 0; i < targets.size(); ++i) list.emplace_back(i < row.judged.size() ? row.judged[i].column : row.listed[i - row.judged.size()], targets[i]);
    std::sort(list.begin(), list.end());
    for (const auto& [column, target] : list) {
      listed_.push_back(place(column));
      list_targets_.push_back(target);
    }
    importances_.resize(static_cast<size_t>(row_), 0);
    importances_.push_back(std::min(1.0, expected_yeses(row)));
  }

  const int64_t num_columns_;
  int64_t row_ = 0;
  std::vector<int64_t> judged_, positives_, positive_rows_, positive_columns_, negatives_, near_, listed_;
  std::vector<double> targets_, weights_, positive_weights_, weights_of_positives_, no_probabilities_, list_targets_;
  // Of the rows' lists.
  std::vector<double> importances_;
};

template <typename Change>
JudgedBatch changed(JudgedBatch batch, Change change) {
  for (at::Tensor* tensor : {&batch.judged, &batch.targets, &batch.weights, &batch.positive_weights, &batch.positives, &batch.row_shares, &batch.column_shares,
                             &batch.negatives, &batch.no_probabilities, &batch.near, &batch.listed, &batch.list_targets, &batch.list_shares})
    *tensor = change(*tensor);
  return batch;
}

}  // namespace

JudgedBatch JudgedBatch::of(const std::vector<JudgedRow>& rows, int64_t num_columns) {
  Builder builder(num_columns);
  for (const JudgedRow& row : rows) builder.add(row);
  return builder.finish();
}

JudgedBatch JudgedBatch::to(at::Device device) const {
  return changed(*this, [&](const at::Tensor& tensor) { return tensor.to(device, /*non_blocking=*/true); });
}

JudgedBatch JudgedBatch::pinned() const {
  return changed(*this, [](const at::Tensor& tensor) { return tensor.numel() > 0 ? tensor.pin_memory() : tensor; });
}

}  // namespace lmtx
