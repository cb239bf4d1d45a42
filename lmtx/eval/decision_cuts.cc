#include "lmtx/eval/decision_cuts.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "lmtx/eval/bootstrap.h"
#include "lmtx/eval/proportion.h"

namespace lmtx::detail {

namespace {

constexpr int64_t resamples = 1000;
// Sums of shares that are equal but for rounding.
constexpr double rounding = 1e-9;

// The precision of the pairs so far, and how sure it is when documents are drawn.
class PrecisionSums {
 public:
  explicit PrecisionSums(int64_t num_documents) : yes_(num_documents, 0.0), all_(num_documents, 0.0) {}

  void add(const DecisionPair& pair) {
    double &yes = yes_[pair.document], &all = all_[pair.document];
    if (all == 0) ++documents_;
    sum_squares(yes, all, -1);
    yes += pair.yes() ? pair.weight : 0;
    all += pair.weight;
    sum_squares(yes, all, 1);
    yeses_ += pair.yes() ? pair.weight : 0;
    weight_ += pair.weight;
    squared_weights_ += pair.weight * pair.weight;
  }

  double precision() const { return yeses_ / weight_; }

  // Independent pairs that would tell as much (Korn and Graubard 1998): by the variance of the ratio of two sums over documents (Cochran 1977, 6.3). Where all
  // pairs agree they tell nothing of it, and count as if each document were one pair.
  double effective_size() const {
    const double p = precision(), squares = yes_yes_ - 2 * p * yes_all_ + p * p * all_all_;
    if (documents_ < 2 || p * (1 - p) <= rounding || squares <= 0) return weight_ * weight_ / all_all_;
    const double variance = squares / (weight_ * weight_) * static_cast<double>(documents_) / static_cast<double>(documents_ - 1);
    return std::min(p * (1 - p) / variance, weight_ * weight_ / squared_weights_);
  }

  // Whether the lower bound of interval() reaches `wanted`.
  bool is_at_least(double wanted, double confidence) const {
    return precision() >= wanted && detail::is_at_least(wanted, precision() * effective_size(), effective_size(), confidence);
  }
  Interval interval(double confidence) const { return interval_at(effective_size(), confidence); }
  // Of as many others: the difference of two samples has twice the variance of one.
  Interval fresh_interval(double confidence) const { return interval_at(effective_size() / 2, confidence); }

 private:
  Interval interval_at(double size, double confidence) const {
    return {.value = precision(), .low = lower_bound(precision() * size, size, confidence), .high = upper_bound(precision() * size, size, confidence)};
  }

  void sum_squares(double yes, double all, double sign) {
    yes_yes_ += sign * yes * yes;
    yes_all_ += sign * yes * all;
    all_all_ += sign * all * all;
  }

  // By document.
  std::vector<double> yes_, all_;
  double yeses_ = 0, weight_ = 0, squared_weights_ = 0, yes_yes_ = 0, yes_all_ = 0, all_all_ = 0;
  int64_t documents_ = 0;
};

DecisionSample only_known(const DecisionSample& sample) {
  DecisionSample known{.pairs = {}, .num_documents = sample.num_documents};
  std::copy_if(sample.pairs.begin(), sample.pairs.end(), std::back_inserter(known.pairs), [](const DecisionPair& pair) { return pair.known(); });
  return known;
}

// So many pairs, all right and of documents of their own, just show the target.
int64_t fewest_pairs(double target, double confidence) { return static_cast<int64_t>(std::ceil(std::log(1 - confidence) / std::log(target) - rounding)); }

void fit_precision(DecisionCut& cut, const DecisionSample& all, const DecisionAim& aim) {
  const DecisionSample sample = only_known(all);
  cut.pairs_needed = fewest_pairs(aim.aim, aim.confidence);
  cut.score = DecisionCut::nothing;
  cut.met = false;
  PrecisionSums sums(sample.num_documents);
  size_t added = 0;
  for_each_cut(sample, [&](size_t end) {
    for (; added < end; ++added) sums.add(sample.pairs[added]);
    // Better than the best so far, until a cut meets the aim.
    const double best = std::isnan(cut.estimate.low) ? 0 : std::nextafter(cut.estimate.low, 1);
    const double wanted = cut.met ? aim.aim : std::min(best, aim.aim);
    if (!sums.is_at_least(wanted, aim.confidence)) return;
    cut.met = sums.is_at_least(aim.aim, aim.confidence);
    cut.estimate = sums.interval(aim.confidence);
    cut.fresh = sums.fresh_interval(aim.confidence);
    if (cut.met) cut.score = sample.pairs[end - 1].score;
  });
}

// By document, for the bootstrap.
struct DocumentSums {
  explicit DocumentSums(int64_t num_documents) : first(num_documents, 0.0), second(num_documents, 0.0) {}
  std::vector<double> first, second;
};

double level_of(const DecisionAim& aim) { return 2 * aim.confidence - 1; }

double highest_f1_cut(const DecisionSample& sample) {
  double truth = 0, right = 0, returned = 0, best = 0, score = DecisionCut::nothing;
  for (const DecisionPair& pair : sample.pairs) truth += pair.yes() ? pair.weight : 0;
  size_t added = 0;
  for_each_cut(sample, [&](size_t end) {
    for (; added < end; ++added) {
      returned += sample.pairs[added].weight;
      right += sample.pairs[added].yes() ? sample.pairs[added].weight : 0;
    }
    const double f1 = 2 * right / (returned + truth);
    if (f1 <= best) return;
    best = f1;
    score = sample.pairs[end - 1].score;
  });
  return score;
}

void fit_f1(DecisionCut& cut, const DecisionSample& all, const DecisionAim& aim) {
  const DecisionSample sample = only_known(all);
  cut.documents_needed = DecisionRule::fewest_documents;
  const double score = highest_f1_cut(sample);
  DocumentSums sums(sample.num_documents);
  for (const DecisionPair& pair : sample.pairs) {
    const bool kept = pair.candidate() && pair.score >= score;
    sums.first[pair.document] += kept && pair.yes() ? 2 * pair.weight : 0;
    sums.second[pair.document] += (kept ? pair.weight : 0) + (pair.yes() ? pair.weight : 0);
  }
  cut.estimate = bootstrap_ratio(sums.first, sums.second, level_of(aim), resamples, aim.seed);
  cut.met = !cut.thin() && score != DecisionCut::nothing;
  if (!cut.thin()) cut.score = score;
}

void fit_number(DecisionCut& cut, const DecisionSample& sample, const DecisionAim& aim) {
  cut.documents = sample.num_documents;
  cut.documents_needed = DecisionRule::fewest_documents;
  double returned = 0, score = DecisionCut::nothing;
  size_t added = 0;
  const double most = aim.aim * static_cast<double>(sample.num_documents) + rounding;
  for_each_cut(sample, [&](size_t end) {
    for (; added < end; ++added) returned += sample.pairs[added].weight;
    if (returned <= most) score = sample.pairs[end - 1].score;
  });
  if (returned <= most) score = DecisionCut::everything;
  std::vector<double> counts(sample.num_documents, 0.0);
  for (const DecisionPair& pair : sample.pairs) counts[pair.document] += pair.candidate() && pair.score >= score ? pair.weight : 0;
  cut.estimate = bootstrap_mean(counts, level_of(aim), resamples, aim.seed);
  cut.met = !cut.thin();
  if (!cut.thin()) cut.score = score;
}

// The true labels of a sample, each with its share of its document, by rising score.
std::vector<DecisionPair> shares_of_truth(const DecisionSample& sample) {
  std::vector<DecisionPair> truth;
  std::vector<double> of_document(sample.num_documents, 0.0);
  for (const DecisionPair& pair : sample.pairs) {
    if (!pair.yes()) continue;
    truth.push_back(pair);
    of_document[pair.document] += pair.weight;
  }
  for (DecisionPair& pair : truth) pair.weight /= of_document[pair.document];
  std::reverse(truth.begin(), truth.end());
  return truth;
}

// The highest score below which at most `most` documents' worth of true labels lie; unset where that many were no candidates.
std::optional<double> highest_covering(const std::vector<DecisionPair>& truth, double most) {
  double missed = 0;
  std::optional<double> score;
  for (size_t i = 0; i < truth.size() && missed <= most + rounding; ++i) {
    if (truth[i].candidate() && (i == 0 || truth[i].score != truth[i - 1].score)) score = truth[i].score;
    missed += truth[i].weight;
  }
  return score;
}

void fit_coverage(DecisionCut& cut, const DecisionSample& sample, const DecisionAim& aim) {
  const std::vector<DecisionPair> truth = shares_of_truth(sample);
  cut.documents = sample.documents_with([](const DecisionPair& pair) { return pair.yes(); });
  cut.documents_needed = static_cast<int64_t>(std::ceil(1 / (1 - aim.aim) - 1 - rounding));
  const double most = static_cast<double>(cut.documents + 1) * (1 - aim.aim) - 1;
  const std::optional<double> score = most + rounding < 0 ? std::nullopt : highest_covering(truth, most);
  cut.score = score.value_or(DecisionCut::everything);
  cut.met = score.has_value();
  std::vector<double> kept(sample.num_documents, std::nan(""));
  for (const DecisionPair& pair : truth) {
    double& share = kept[pair.document];
    share = (std::isnan(share) ? 0 : share) + (pair.candidate() && pair.score >= cut.score ? pair.weight : 0);
  }
  std::erase_if(kept, [](double share) { return std::isnan(share); });
  if (!kept.empty()) cut.estimate = bootstrap_mean(kept, level_of(aim), resamples, aim.seed);
}

}  // namespace

DecisionCut fit_cut(const DecisionSample& sample, const DecisionAim& aim) {
  DecisionCut cut;
  cut.pairs = sample.known();
  cut.yeses = sample.yeses();
  cut.documents = sample.documents_with([](const DecisionPair& pair) { return pair.candidate() && pair.known(); });
  switch (aim.kind) {
    case DecisionKind::precision:
      fit_precision(cut, sample, aim);
      break;
    case DecisionKind::f1:
      fit_f1(cut, sample, aim);
      break;
    case DecisionKind::number:
      fit_number(cut, sample, aim);
      break;
    case DecisionKind::coverage:
      fit_coverage(cut, sample, aim);
      break;
    case DecisionKind::top:
      break;
  }
  return cut;
}

}  // namespace lmtx::detail
