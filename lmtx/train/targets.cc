#include "lmtx/train/targets.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "lmtx/train/odds.h"

namespace lmtx {

namespace {

// Of the rate over a shortlist that is taken where nobody says another.
constexpr double most_automatic_rate = 0.1;

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
      sample.logits.push_back(logit(label.score, surest_score));
      sample.counts.push_back(label.stands_for);
      sample.is_graded = sample.is_graded || (label.score > 1 - surest_score && label.score < surest_score);
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

double shift_of(const Sample& sample, double slope, double rate) {
  // Beyond, every target is 0 or 1 to nine digits.
  const double widest = slope * logit(1, surest_score) + 20;
  return find_shift([&](double shift) { return sample.mean_target(slope, shift); }, rate, widest, 100);
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

void set_shifted(std::span<JudgedDocument> judged, const TrainerOptions& options, double shift) {
  visit_labels(judged, [&](JudgedLabel& label) { label.target = sigmoid(options.score_slope * logit(label.score, surest_score) + shift); });
  const double lowest = lowest_positive(judged, options.yes_above, options.positive_mean);
  const auto is_yes = [&](const JudgedLabel& label) { return label.score >= options.yes_above; };
  for (JudgedDocument& document : judged) set_uses(document, lowest, options.negative_below, is_yes);
  visit_labels(judged, [](JudgedLabel& label) { label.weight = label.use == PairUse::soft ? weight_of_target(label.target) : 1; });
}

}  // namespace

TargetSummary assign_targets(std::span<JudgedDocument> judged, const TrainerOptions& options) {
  const Sample sample = take_sample(judged, options.yes_above);
  TargetSummary summary{.sample = static_cast<int64_t>(sample.logits.size()), .observed_rate = sample.yes_rate};
  if (options.targets == "hard") {
    visit_labels(judged, [&](JudgedLabel& label) { set_hard(label, options.yes_above); });
  } else {
    summary.yes_rate = wanted_rate(sample, options.yes_rate);
    if (summary.yes_rate > 0) summary.shift = shift_of(sample, options.score_slope, summary.yes_rate);
    set_shifted(judged, options, summary.shift);
  }
  visit_labels(judged, [&](const JudgedLabel& label) {
    ++(label.use == PairUse::positive ? summary.positives : label.use == PairUse::negative ? summary.negatives : summary.soft);
  });
  return summary;
}

}  // namespace lmtx
