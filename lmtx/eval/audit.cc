// Every draw of documents is one pass over the pairs, which are sorted once: the draw is a factor of their weights.
#include "lmtx/eval/audit.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>

#include "lmtx/eval/gold_checks.h"
#include "lmtx/eval/resampling.h"

namespace lmtx {

namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();

double ratio(double numerator, double denominator) { return denominator == 0 ? none : numerator / denominator; }

struct Pair {
  double score;
  bool is_true;
  double weight;
  int64_t document;
  size_t bin;
  double log_loss;
};

struct Confusion {
  double true_yes = 0, false_yes = 0, false_no = 0, true_no = 0;

  void add(bool yes, bool is_true, double weight) { (yes ? (is_true ? true_yes : false_yes) : (is_true ? false_no : true_no)) += weight; }
  double total() const { return true_yes + false_yes + false_no + true_no; }
  double f1() const { return ratio(2 * true_yes, 2 * true_yes + false_yes + false_no); }
};

// The area under the ROC curve, from pairs by falling score.
class Area {
 public:
  void add(double score, bool is_true, double weight) {
    if (score != score_) close();
    score_ = score;
    (is_true ? trues_here_ : others_here_) += weight;
  }
  double value() {
    close();
    return ratio(area_, trues_ * others_);
  }

 private:
  void close() {
    area_ += others_here_ * (trues_ + trues_here_ / 2);
    trues_ += trues_here_;
    others_ += others_here_;
    trues_here_ = others_here_ = 0;
  }

  double score_ = none, trues_ = 0, others_ = 0, trues_here_ = 0, others_here_ = 0, area_ = 0;
};

struct BinSums {
  double weight = 0, scores = 0, trues = 0;
};

// What the measures of one draw are made of.
struct Sums {
  explicit Sums(size_t num_bins) : bins(num_bins) {}

  Confusion confusion;
  Area area;
  double squares = 0, log_losses = 0, abstained = 0;
  std::vector<BinSums> bins;

  void add(const Pair& pair, double weight, double cut) {
    confusion.add(pair.score >= cut, pair.is_true, weight);
    area.add(pair.score, pair.is_true, weight);
    const double gold = pair.is_true ? 1 : 0;
    squares += weight * (pair.score - gold) * (pair.score - gold);
    log_losses += weight * pair.log_loss;
    BinSums& bin = bins[pair.bin];
    bin.weight += weight;
    bin.scores += weight * pair.score;
    bin.trues += weight * gold;
  }

  double calibration_error() const {
    double sum = 0;
    for (const BinSums& bin : bins) sum += std::abs(bin.scores - bin.trues);
    return ratio(sum, confusion.total());
  }

  // In the order of `intervals_of`.
  std::vector<double> measures() {
    const auto& [true_yes, false_yes, false_no, true_no] = confusion;
    const double total = confusion.total();
    return {ratio(true_yes, true_yes + false_yes),
            ratio(true_yes, true_yes + false_no),
            ratio(true_no, true_no + false_yes),
            confusion.f1(),
            ratio(true_yes + true_no, total),
            area.value(),
            ratio(squares, total),
            ratio(log_losses, total),
            calibration_error(),
            ratio(true_yes + false_yes, total),
            ratio(true_yes + false_no, total),
            ratio(abstained, abstained + total)};
  }
};

std::vector<Interval Audit::*> intervals_of() {
  return {&Audit::precision, &Audit::recall,   &Audit::specificity,       &Audit::f1,       &Audit::accuracy,  &Audit::auc,
          &Audit::brier,     &Audit::log_loss, &Audit::calibration_error, &Audit::yes_rate, &Audit::gold_rate, &Audit::abstention_rate};
}

double log_loss_of(double score, bool is_true) {
  constexpr double least = std::numeric_limits<double>::epsilon();
  const double p = std::clamp(score, least, 1 - least);
  return -std::log(is_true ? p : 1 - p);
}

// As numpy.linspace has it.
double edge(int64_t bin, int64_t num_bins) { return bin == num_bins ? 1.0 : static_cast<double>(bin) * (1 / static_cast<double>(num_bins)); }

// Inner edges below the score, as in scikit-learn's calibration_curve.
size_t bin_of(double score, int64_t num_bins) {
  auto bin = std::clamp(static_cast<int64_t>(std::ceil(score * static_cast<double>(num_bins))) - 1, int64_t{0}, num_bins - 1);
  while (bin > 0 && score <= edge(bin, num_bins)) --bin;
  while (bin + 1 < num_bins && score > edge(bin + 1, num_bins)) ++bin;
  return static_cast<size_t>(bin);
}

class Auditor {
 public:
  Auditor(const GoldPairs& pairs, const AuditOptions& options) : options_(options), documents_(pairs.documents, pairs.scores.size()) {
    for (size_t i = 0; i < pairs.scores.size(); ++i) {
      const double score = pairs.scores[i], weight = pairs.weights.empty() ? 1.0 : pairs.weights[i];
      const bool is_true = pairs.gold[i] == 1;
      const bool abstained = std::isnan(score);
      const Pair pair{score, is_true, weight, documents_.of_pair[i], abstained ? 0 : bin_of(score, options.bins), abstained ? 0 : log_loss_of(score, is_true)};
      (abstained ? abstained_ : scored_).push_back(pair);
    }
    std::stable_sort(scored_.begin(), scored_.end(), [](const Pair& a, const Pair& b) { return a.score > b.score; });
  }

  Audit run(const std::stop_token& stop) const {
    Audit audit{.pairs = static_cast<int64_t>(scored_.size() + abstained_.size()),
                .abstained = static_cast<int64_t>(abstained_.size()),
                .documents = documents_.count,
                .cut = options_.cut};
    const std::vector<double> once(static_cast<size_t>(documents_.count), 1.0);
    const Sums sums = sum(once);
    audit.true_yes = sums.confusion.true_yes;
    audit.false_yes = sums.confusion.false_yes;
    audit.false_no = sums.confusion.false_no;
    audit.true_no = sums.confusion.true_no;
    audit.bins = bins(sums);
    find_best_cut(audit);
    const auto statistics = [&](std::span<const double> draws) { return sum(draws).measures(); };
    const std::vector<Interval> found = detail::bootstrap_documents(documents_.count, statistics, options_.level, options_.resamples, options_.seed, stop);
    const auto members = intervals_of();
    for (size_t i = 0; i < members.size(); ++i) audit.*members[i] = found[i];
    return audit;
  }

 private:
  Sums sum(std::span<const double> draws) const {
    Sums sums(static_cast<size_t>(options_.bins));
    for (const Pair& pair : scored_) {
      const double weight = pair.weight * draws[static_cast<size_t>(pair.document)];
      if (weight > 0) sums.add(pair, weight, options_.cut);
    }
    for (const Pair& pair : abstained_) sums.abstained += pair.weight * draws[static_cast<size_t>(pair.document)];
    return sums;
  }

  std::vector<ReliabilityBin> bins(const Sums& sums) const {
    std::vector<ReliabilityBin> bins;
    for (int64_t i = 0; i < options_.bins; ++i) {
      const auto& [weight, scores, trues] = sums.bins[static_cast<size_t>(i)];
      bins.push_back({edge(i, options_.bins), edge(i + 1, options_.bins), weight, ratio(scores, weight), ratio(trues, weight)});
    }
    return bins;
  }

  // From the highest score down, a cut after each group of equal ones.
  void find_best_cut(Audit& audit) const {
    audit.best_cut = audit.best_f1 = none;
    Confusion confusion;
    for (const Pair& pair : scored_) confusion.add(/*yes=*/false, pair.is_true, pair.weight);
    if (!(confusion.false_no > 0)) return;
    for (size_t i = 0; i < scored_.size(); ++i) {
      const Pair& pair = scored_[i];
      (pair.is_true ? confusion.true_yes : confusion.false_yes) += pair.weight;
      (pair.is_true ? confusion.false_no : confusion.true_no) -= pair.weight;
      const bool last_of_equals = i + 1 == scored_.size() || scored_[i + 1].score < pair.score;
      if (!last_of_equals || confusion.f1() <= audit.best_f1) continue;
      audit.best_cut = pair.score;
      audit.best_f1 = confusion.f1();
    }
  }

  AuditOptions options_;
  detail::PairDocuments documents_;
  // By falling score.
  std::vector<Pair> scored_;
  std::vector<Pair> abstained_;
};

void check(const GoldPairs& pairs, const AuditOptions& options) {
  detail::check_length("gold", pairs.gold.size(), pairs.scores.size());
  detail::check_scores("scores", pairs.scores);
  detail::check_gold(pairs.gold);
  detail::check_weights(pairs.weights, pairs.scores.size());
  detail::check_documents(pairs.documents, pairs.scores.size());
  if (pairs.scores.empty()) throw std::invalid_argument("An audit needs at least one pair whose truth is known, but there is none.");
  if (options.bins < 1) throw std::invalid_argument("`bins` must be at least 1, but is " + std::to_string(options.bins) + " instead.");
}

}  // namespace

Audit audit(const GoldPairs& pairs, const AuditOptions& options, const std::stop_token& stop) {
  check(pairs, options);
  detail::check_bootstrap(options.level, options.resamples);
  return Auditor(pairs, options).run(stop);
}

}  // namespace lmtx
