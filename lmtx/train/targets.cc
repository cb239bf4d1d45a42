#include "lmtx/train/targets.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace lmtx {

namespace {

// Scores beyond are as good as certain; certainty itself has no logit.
constexpr double surest = 0.99;
// A document's best yes is a positive from above here.
constexpr double best_above = 0.4;
constexpr double least_weight = 0.2;
// Of the rate over a shortlist that is taken where nobody says another.
constexpr double most_automatic_rate = 0.1;

double logit_of_score(double score) {
  const double p = std::clamp(score, 1 - surest, surest);
  return std::log(p / (1 - p));
}

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// The pairs that rates are about.
struct Sample {
  std::vector<double> logits = {}, counts = {};
  double yes_rate = 0;
  bool is_random = false;
  // Whether scores tell more than yes and no.
  bool is_graded = false;

  double mean_target(double slope, double shift) const {
    double sum = 0, count = 0;
    for (size_t i = 0; i < logits.size(); ++i) {
      sum += counts[i] * sigmoid(slope * logits[i] + shift);
      count += counts[i];
    }
    return sum / count;
  }
};

Sample take_sample(std::span<const JudgedDocument> judged, double yes_above, bool at_random_only) {
  Sample sample{.is_random = at_random_only};
  double yeses = 0, count = 0;
  for (const JudgedDocument& document : judged) {
    for (const JudgedLabel& label : document.labels) {
      if ((at_random_only && !label.at_random) || label.stands_for <= 0) continue;
      sample.logits.push_back(logit_of_score(label.score));
      sample.counts.push_back(label.stands_for);
      sample.is_graded = sample.is_graded || (label.score > 1 - surest && label.score < surest);
      yeses += label.score >= yes_above ? label.stands_for : 0;
      count += label.stands_for;
    }
  }
  if (count > 0) sample.yes_rate = yeses / count;
  return sample;
}

Sample take_sample(std::span<const JudgedDocument> judged, double yes_above) {
  Sample sample = take_sample(judged, yes_above, /*at_random_only=*/true);
  return sample.logits.empty() ? take_sample(judged, yes_above, /*at_random_only=*/false) : sample;
}

// 0: none is wanted, or can be had.
double wanted_rate(const Sample& sample, double yes_rate) {
  if (!sample.is_graded || yes_rate == 0) return 0;
  if (yes_rate > 0) return yes_rate;
  return sample.is_random ? std::min(sample.yes_rate / 2, most_automatic_rate) : sample.yes_rate / 2;
}

// By bisection: the mean target rises with the shift.
double find_shift(const Sample& sample, double slope, double rate) {
  // Beyond, every target is 0 or 1 to nine digits.
  const double widest = slope * logit_of_score(1) + 20;
  double low = -widest, high = widest;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (sample.mean_target(slope, middle) < rate ? low : high) = middle;
  }
  return (low + high) / 2;
}

template <typename Visit>
void visit_labels(std::span<JudgedDocument> judged, Visit visit) {
  for (JudgedDocument& document : judged) {
    for (JudgedLabel& label : document.labels) visit(label);
  }
}

void set_hard(JudgedLabel& label, double yes_above) {
  const bool yes = label.score >= yes_above;
  label.target = yes ? 1 : 0;
  label.weight = 1;
  label.use = yes ? PairUse::positive : PairUse::negative;
}

// The lowest target of the yeses from the top down whose mean is `mean` at least; above 1 where there are none.
double lowest_positive(std::span<JudgedDocument> judged, double yes_above, double mean) {
  std::vector<double> targets;
  visit_labels(judged, [&](const JudgedLabel& label) {
    if (label.score >= yes_above) targets.push_back(label.target);
  });
  std::sort(targets.begin(), targets.end(), std::greater<>());
  double lowest = 2, sum = 0;
  for (size_t i = 0; i < targets.size(); ++i) {
    sum += targets[i];
    const bool last_of_equals = i + 1 == targets.size() || targets[i + 1] < targets[i];
    if (last_of_equals && sum >= mean * static_cast<double>(i + 1)) lowest = targets[i];
  }
  return lowest;
}

void set_uses(JudgedDocument& document, double lowest, const TrainerOptions& options) {
  double best = 0;
  for (const JudgedLabel& label : document.labels) {
    if (label.score >= options.yes_above) best = std::max(best, label.target);
  }
  for (JudgedLabel& label : document.labels) {
    const double q = label.target;
    const bool positive = label.score >= options.yes_above && (q >= lowest || (q == best && best > best_above));
    label.use = positive ? PairUse::positive : q < options.negative_below ? PairUse::negative : PairUse::soft;
    label.weight = label.use == PairUse::soft ? std::max(least_weight, std::abs(2 * q - 1)) : 1;
  }
}

void set_shifted(std::span<JudgedDocument> judged, const TrainerOptions& options, double shift) {
  visit_labels(judged, [&](JudgedLabel& label) { label.target = sigmoid(options.score_slope * logit_of_score(label.score) + shift); });
  const double lowest = lowest_positive(judged, options.yes_above, options.positive_mean);
  for (JudgedDocument& document : judged) set_uses(document, lowest, options);
}

}  // namespace

TargetSummary assign_targets(std::span<JudgedDocument> judged, const TrainerOptions& options) {
  const Sample sample = take_sample(judged, options.yes_above);
  TargetSummary summary{.sample = static_cast<int64_t>(sample.logits.size()), .observed_rate = sample.yes_rate};
  if (options.targets == "hard") {
    visit_labels(judged, [&](JudgedLabel& label) { set_hard(label, options.yes_above); });
  } else {
    summary.yes_rate = wanted_rate(sample, options.yes_rate);
    if (summary.yes_rate > 0) summary.shift = find_shift(sample, options.score_slope, summary.yes_rate);
    set_shifted(judged, options, summary.shift);
  }
  visit_labels(judged, [&](const JudgedLabel& label) {
    ++(label.use == PairUse::positive ? summary.positives : label.use == PairUse::negative ? summary.negatives : summary.soft);
  });
  return summary;
}

}  // namespace lmtx
