#include "lmtx/eval/agreement.h"

#include <cmath>
#include <limits>
#include <vector>

#include "lmtx/eval/gold_checks.h"
#include "lmtx/eval/resampling.h"

namespace lmtx {

namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();

double ratio(double numerator, double denominator) { return denominator == 0 ? none : numerator / denominator; }

// Two yeses and noes, and how far the scores are apart.
struct Sums {
  double both_yes = 0, first_only = 0, second_only = 0, both_no = 0, distance = 0, lean = 0;

  void add(bool first_yes, bool second_yes, double difference, double weight) {
    (first_yes ? (second_yes ? both_yes : first_only) : (second_yes ? second_only : both_no)) += weight;
    distance += weight * std::abs(difference);
    lean += weight * difference;
  }

  double total() const { return both_yes + first_only + second_only + both_no; }

  double kappa() const {
    const double n = total();
    const double first_yes = both_yes + first_only, second_yes = both_yes + second_only;
    // Disagreement that was seen over what chance would give.
    return 1 - ratio((first_only + second_only) * n, first_yes * (n - second_yes) + second_yes * (n - first_yes));
  }

  std::vector<double> measures() const { return {ratio(both_yes + both_no, total()), kappa(), ratio(distance, total()), ratio(lean, total())}; }
};

Sums sum(const JudgedTwice& pairs, const AgreementOptions& options, const detail::PairDocuments& documents, std::span<const double> draws) {
  Sums sums;
  for (size_t i = 0; i < pairs.first.size(); ++i) {
    const double first = pairs.first[i], second = pairs.second[i];
    if (std::isnan(first) || std::isnan(second)) continue;
    const double weight = (pairs.weights.empty() ? 1.0 : pairs.weights[i]) * draws[static_cast<size_t>(documents.of_pair[i])];
    sums.add(first >= options.first_cut, second >= options.second_cut, first - second, weight);
  }
  return sums;
}

void count_abstentions(const JudgedTwice& pairs, Agreement& agreement) {
  agreement.pairs = static_cast<int64_t>(pairs.first.size());
  for (size_t i = 0; i < pairs.first.size(); ++i) {
    const bool first = std::isnan(pairs.first[i]), second = std::isnan(pairs.second[i]);
    agreement.both_abstained += first && second;
    agreement.first_abstained += first && !second;
    agreement.second_abstained += second && !first;
  }
}

}  // namespace

Agreement agree(const JudgedTwice& pairs, const AgreementOptions& options, const std::stop_token& stop) {
  detail::check_length("second", pairs.second.size(), pairs.first.size());
  detail::check_scores("first", pairs.first);
  detail::check_scores("second", pairs.second);
  detail::check_weights(pairs.weights, pairs.first.size());
  detail::check_documents(pairs.documents, pairs.first.size());
  const detail::PairDocuments documents(pairs.documents, pairs.first.size());
  Agreement agreement;
  count_abstentions(pairs, agreement);
  const Sums once = sum(pairs, options, documents, std::vector<double>(static_cast<size_t>(documents.count), 1.0));
  agreement.both_yes = once.both_yes;
  agreement.first_only = once.first_only;
  agreement.second_only = once.second_only;
  agreement.both_no = once.both_no;
  const auto statistics = [&](std::span<const double> draws) { return sum(pairs, options, documents, draws).measures(); };
  const std::vector<Interval> found = detail::bootstrap_documents(documents.count, statistics, options.level, options.resamples, options.seed, stop);
  agreement.agreement = found[0];
  agreement.kappa = found[1];
  agreement.difference = found[2];
  agreement.lean = found[3];
  return agreement;
}

}  // namespace lmtx
