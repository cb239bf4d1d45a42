#include "lmtx/train/posterior.h"

#include <Eigen/Cholesky>
#include <Eigen/Core>

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <vector>

#include "lmtx/train/odds.h"
#include "lmtx/train/targets.h"

namespace lmtx {

namespace {

constexpr int num_features = 8;
// The first of those that tell of other verdicts on the label.
constexpr int first_of_label = 4, num_of_label = 3;
using Features = Eigen::Matrix<double, num_features, 1>;

constexpr int64_t fewest_pairs = 50;
constexpr double ridge = 2e-4;
// Which predictions show false yeses, and the most there may be.
constexpr double floor_quantile = 0.15, highest_floor = 0.4;
constexpr double surest_prior = 0.995;
// From this correlation with the prior on, scores count in full beside yes and no.
constexpr double full_agreement = 0.2;

struct Pair {
  JudgedLabel* label;
  Features features = Features::Zero();
  bool yes = false;
  // Of the score.
  double logit = 0;
  // That the teacher says yes, as predicted.
  double expected = 0;
};

// Verdicts on a label.
struct Verdicts {
  double yes = 0, all = 0;
};

std::vector<Pair> pairs_of(std::span<JudgedDocument> judged, const TrainerOptions& options, const std::function<PairFeatures(int64_t, int64_t)>& features_of) {
  std::vector<Pair> pairs;
  std::unordered_map<int64_t, Verdicts> of_label;
  double yeses = 0;
  for (JudgedDocument& document : judged) {
    for (JudgedLabel& label : document.labels) {
      pairs.push_back({.label = &label, .features = Features::Zero(), .yes = label.score >= options.yes_above, .logit = logit(label.score, surest_score)});
      Verdicts& verdicts = of_label[label.label];
      verdicts.all += 1;
      verdicts.yes += pairs.back().yes ? 1 : 0;
      yeses += pairs.back().yes ? 1 : 0;
    }
  }
  const double rate = pairs.empty() ? 0 : yeses / static_cast<double>(pairs.size());
  auto pair = pairs.begin();
  for (const JudgedDocument& document : judged) {
    for (const JudgedLabel& label : document.labels) {
      const Verdicts& verdicts = of_label[label.label];
      const PairFeatures known = features_of(document.document, label.label);
      // As if there were two more verdicts at the mean rate.
      const double others = (verdicts.yes - (pair->yes ? 1 : 0) + 2 * rate) / (verdicts.all + 1);
      const double by_label = logit(others, surest_prior), count = std::log(verdicts.all), cosine = known.cosine;
      pair->features << 10 * cosine, 10 * cosine * cosine, 2 * known.words, known.words > 0 ? 1 : 0, by_label, by_label * count, count / 3, 1;
      ++pair;
    }
  }
  return pairs;
}

double mean_loss(const std::vector<Pair>& pairs, const Features& weights) {
  double loss = 0;
  for (const Pair& pair : pairs) {
    const double x = weights.dot(pair.features);
    // log(1 + e^x) without an overflow.
    loss += std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))) - (pair.yes ? x : 0);
  }
  return loss / static_cast<double>(pairs.size()) + ridge / 2 * weights.squaredNorm();
}

// Newton's method; a step that does not lower the loss is halved.
Features fit(const std::vector<Pair>& pairs) {
  Features weights = Features::Zero();
  double loss = mean_loss(pairs, weights);
  for (int round = 0; round < 30; ++round) {
    Features gradient = ridge * weights;
    Eigen::Matrix<double, num_features, num_features> curvature = ridge * decltype(curvature)::Identity();
    for (const Pair& pair : pairs) {
      const double p = sigmoid(weights.dot(pair.features)), share = 1 / static_cast<double>(pairs.size());
      gradient += share * (p - (pair.yes ? 1 : 0)) * pair.features;
      curvature += share * p * (1 - p) * pair.features * pair.features.transpose();
    }
    Features step = curvature.ldlt().solve(gradient);
    double lower = mean_loss(pairs, weights - step);
    for (int halved = 0; halved < 20 && !(lower <= loss); ++halved) {
      step /= 2;
      lower = mean_loss(pairs, weights - step);
    }
    if (!(lower < loss - 1e-12)) break;
    weights -= step;
    loss = lower;
  }
  return weights;
}

void expect(std::vector<Pair>& pairs) {
  const Features weights = fit(pairs);
  for (Pair& pair : pairs) pair.expected = sigmoid(weights.dot(pair.features));
}

double floor_of(const std::vector<Pair>& pairs) {
  std::vector<double> expected;
  for (const Pair& pair : pairs) expected.push_back(pair.expected);
  const auto place = expected.begin() + static_cast<int64_t>(floor_quantile * static_cast<double>(expected.size() - 1));
  std::nth_element(expected.begin(), place, expected.end());
  return std::clamp(*place, 0.001, highest_floor);
}

// The scores of the yeses, or of the noes.
struct Group {
  double count = 0, mean_logit = 0;
  // Of logits with the logits of what was expected, within the group.
  double correlation = 0;
};

Group group_of(const std::vector<Pair>& pairs, bool yes) {
  Group group;
  double x = 0, y = 0, xx = 0, yy = 0, xy = 0;
  for (const Pair& pair : pairs) {
    if (pair.yes != yes) continue;
    const double a = pair.logit, b = logit(pair.expected, surest_prior);
    group.count += 1;
    x += a, y += b, xx += a * a, yy += b * b, xy += a * b;
  }
  if (group.count == 0) return group;
  const double n = group.count, spread = (xx - x * x / n) * (yy - y * y / n);
  group.mean_logit = x / n;
  if (spread > 1e-12 * n * n) group.correlation = (xy - x * y / n) / std::sqrt(spread);
  return group;
}

// How far scores agree with what was expected, inside the yeses and inside the noes, in [0, 1].
double agreement(const Group& yeses, const Group& noes) {
  return std::clamp((yeses.count * yeses.correlation + noes.count * noes.correlation) / (yeses.count + noes.count) / full_agreement, 0.0, 1.0);
}

// What is expected of each pair: in part, `label_evidence`, with what the label's other verdicts tell. Automatically that is what scores leave: a teacher that
// grades errs label by label, and what it says of a label's other documents is no second opinion.
void expect(std::vector<Pair>& pairs, double label_evidence) {
  if (label_evidence == 1) return expect(pairs);
  std::vector<Pair> without = pairs;
  for (Pair& pair : without) pair.features.segment<num_of_label>(first_of_label).setZero();
  expect(without);
  const double share = label_evidence < 0 ? 1 - agreement(group_of(without, true), group_of(without, false)) : label_evidence;
  expect(pairs);
  for (size_t i = 0; i < pairs.size(); ++i) pairs[i].expected = share * pairs[i].expected + (1 - share) * without[i].expected;
}

// The evidence of a verdict, as a logarithm of odds.
class Evidence {
 public:
  Evidence(const std::vector<Pair>& pairs, double false_yes, double false_no)
      : yes_(std::log((1 - false_no) / false_yes)),
        no_(std::log(false_no / (1 - false_yes))),
        yeses_(group_of(pairs, true)),
        noes_(group_of(pairs, false)),
        graded_(agreement(yeses_, noes_)) {}

  // How far scores count beside yes and no, in [0, 1].
  double graded() const { return graded_; }

  double of(const Pair& pair) const {
    const double mean = pair.yes ? yeses_.mean_logit : noes_.mean_logit, between = yeses_.mean_logit - noes_.mean_logit;
    const double own = pair.yes ? yes_ : no_;
    if (between <= 0) return own;
    return std::clamp(own + graded_ * (pair.logit - mean) * (yes_ - no_) / between, 2 * no_, 2 * yes_);
  }

 private:
  double yes_, no_;
  Group yeses_, noes_;
  double graded_;
};

double mean_target(const std::vector<double>& logits, double shift) {
  double sum = 0;
  for (const double x : logits) sum += sigmoid(x + shift);
  return sum / static_cast<double>(logits.size());
}

// What the mean target should be. A teacher that grades is sure of too much: automatically, as far as its scores count, it is half of what it says.
double wanted_mean(double mean, double observed_rate, double graded, double yes_rate) {
  if (yes_rate > 0) return yes_rate;
  return yes_rate == 0 ? mean : std::min(mean, (1 - graded) * mean + graded * observed_rate / 2);
}

void set_targets(std::vector<Pair>& pairs, double false_yes, double false_no, double yes_rate) {
  const Evidence evidence(pairs, false_yes, false_no);
  std::vector<double> logits;
  double yeses = 0;
  for (const Pair& pair : pairs) {
    const double prior = std::clamp((pair.expected - false_yes) / (1 - false_yes - false_no), 0.003, surest_prior);
    logits.push_back(std::log(prior / (1 - prior)) + evidence.of(pair));
    yeses += pair.yes ? 1 : 0;
  }
  const double mean = mean_target(logits, 0), wanted = wanted_mean(mean, yeses / static_cast<double>(pairs.size()), evidence.graded(), yes_rate);
  const double shift = wanted == mean ? 0 : find_shift([&](double by) { return mean_target(logits, by); }, wanted, 30, 60);
  for (size_t i = 0; i < pairs.size(); ++i) {
    pairs[i].label->target = sigmoid(logits[i] + shift);
    pairs[i].label->weight = weight_of_target(pairs[i].label->target);
  }
}

// The lowest target from the top down whose mean is `mean` at least; above 1 where there is none.
double lowest_positive(const std::vector<Pair>& pairs, double mean) {
  std::vector<double> targets;
  for (const Pair& pair : pairs) targets.push_back(pair.label->target);
  std::sort(targets.begin(), targets.end(), std::greater<>());
  double lowest = 2, sum = 0;
  for (size_t i = 0; i < targets.size(); ++i) {
    sum += targets[i];
    if (sum >= mean * static_cast<double>(i + 1)) lowest = targets[i];
  }
  return lowest;
}

PosteriorSummary summarize(std::span<const JudgedDocument> judged, double yes_above) {
  PosteriorSummary summary;
  for (const JudgedDocument& document : judged) {
    for (const JudgedLabel& label : document.labels) {
      ++summary.pairs;
      summary.observed_rate += label.score >= yes_above ? 1 : 0;
      summary.mean_target += label.target;
      summary.positives += label.use == PairUse::positive ? 1 : 0;
    }
  }
  const auto pairs = static_cast<double>(std::max<int64_t>(summary.pairs, 1));
  summary.observed_rate /= pairs;
  summary.mean_target /= pairs;
  return summary;
}

}  // namespace

PosteriorSummary assign_posterior_targets(std::span<JudgedDocument> judged, const TrainerOptions& options,
                                          const std::function<PairFeatures(int64_t document, int64_t label)>& features_of) {
  std::vector<Pair> pairs = pairs_of(judged, options, features_of);
  const auto yeses = std::count_if(pairs.begin(), pairs.end(), [](const Pair& pair) { return pair.yes; });
  if (static_cast<int64_t>(pairs.size()) < fewest_pairs || yeses == 0 || yeses == static_cast<int64_t>(pairs.size())) {
    TrainerOptions at_their_word = options;
    at_their_word.targets = "hard";
    assign_targets(judged, at_their_word);
    return summarize(judged, options.yes_above);
  }
  expect(pairs, options.label_evidence);
  const double false_yes = floor_of(pairs);
  set_targets(pairs, false_yes, options.false_no_rate, options.yes_rate);
  const double lowest = lowest_positive(pairs, options.positive_mean);
  for (JudgedDocument& document : judged) set_uses(document, lowest, options.negative_below, [](const JudgedLabel&) { return true; });
  PosteriorSummary summary = summarize(judged, options.yes_above);
  summary.false_yes_rate = false_yes;
  return summary;
}

}  // namespace lmtx
