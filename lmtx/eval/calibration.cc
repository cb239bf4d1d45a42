#include "lmtx/eval/calibration.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <optional>
#include <stdexcept>

#include "lmtx/detail/digest.h"
#include "lmtx/detail/odds.h"
#include "lmtx/detail/random.h"
#include "lmtx/eval/gold_checks.h"
#include "lmtx/eval/logistic.h"

namespace lmtx {

namespace {

constexpr double surest = 1 - 1e-6;
constexpr int64_t parts = 5;

// The pairs that have a score and count.
struct Sample {
  std::vector<double> scores, gold, weights;
  std::vector<int64_t> documents;
  int64_t yeses = 0;

  size_t size() const { return scores.size(); }
  GoldPairs pairs() const { return {.scores = scores, .gold = gold, .weights = weights, .documents = documents}; }

  void add(const GoldPairs& pairs, size_t i) {
    scores.push_back(pairs.scores[i]);
    gold.push_back(pairs.gold[i]);
    weights.push_back(pairs.weights.empty() ? 1.0 : pairs.weights[i]);
    documents.push_back(pairs.documents.empty() ? static_cast<int64_t>(i) : pairs.documents[i]);
    yeses += pairs.gold[i] == 1 ? 1 : 0;
  }
};

void check(const GoldPairs& pairs) {
  detail::check_length("gold", pairs.gold.size(), pairs.scores.size());
  detail::check_scores("scores", pairs.scores);
  detail::check_gold(pairs.gold);
  detail::check_weights(pairs.weights, pairs.scores.size());
  detail::check_documents(pairs.documents, pairs.scores.size());
}

Sample take_sample(const GoldPairs& pairs) {
  check(pairs);
  Sample sample;
  for (size_t i = 0; i < pairs.scores.size(); ++i) {
    if (!std::isnan(pairs.scores[i]) && (pairs.weights.empty() || pairs.weights[i] > 0)) sample.add(pairs, i);
  }
  const int64_t noes = static_cast<int64_t>(sample.size()) - sample.yeses;
  if (std::min(sample.yeses, noes) >= Calibration::fewest_of_each) return sample;
  throw std::invalid_argument("A calibration needs at least " + std::to_string(Calibration::fewest_of_each) + " yeses and as many noes, but the " +
                              std::to_string(sample.size()) + " gold pairs with a score have " + std::to_string(sample.yeses) + " yeses and " +
                              std::to_string(noes) + " noes.");
}

// Targets that keep a few sure pairs from making the sigmoid a step: as if one more pair of the other kind had been seen.
std::vector<double> platt_targets(const Sample& sample) {
  double yeses = 0, noes = 0;
  for (size_t i = 0; i < sample.size(); ++i) (sample.gold[i] == 1 ? yeses : noes) += sample.weights[i];
  std::vector<double> targets;
  for (const double gold : sample.gold) targets.push_back(gold == 1 ? (yeses + 1) / (yeses + 2) : 1 / (noes + 2));
  return targets;
}

Calibration::Sigmoid flat(const std::vector<double>& targets, const std::vector<double>& weights) {
  double sum = 0, count = 0;
  for (size_t i = 0; i < targets.size(); ++i) {
    sum += weights[i] * targets[i];
    count += weights[i];
  }
  return {.slope = 0, .offset = detail::logit(sum / count, surest)};
}

Calibration::Sigmoid fit_sigmoid(const Sample& sample) {
  const std::vector<double> targets = platt_targets(sample);
  Eigen::MatrixXd logits(sample.size(), 1);
  for (size_t i = 0; i < sample.size(); ++i) logits(static_cast<int64_t>(i), 0) = detail::logit(sample.scores[i], surest);
  if (logits.maxCoeff() == logits.minCoeff()) return flat(targets, sample.weights);
  const detail::LogisticFit fit = detail::fit_logistic(logits, targets, sample.weights, /*ridge=*/0);
  return fit.slopes[0] > 0 ? Calibration::Sigmoid{.slope = fit.slopes[0], .offset = fit.offset} : flat(targets, sample.weights);
}

// For each pair the part that its document is in, drawn at random.
std::vector<int64_t> draw_parts(const Sample& sample, uint64_t seed) {
  std::map<int64_t, int64_t> part_of;
  for (const int64_t document : sample.documents) part_of[document] = 0;
  const std::vector<int64_t> order = detail::permutation(static_cast<int64_t>(part_of.size()), detail::random_key(seed, "calibration"));
  size_t i = 0;
  for (auto& [document, part] : part_of) part = order[i++] % parts;
  std::vector<int64_t> drawn;
  for (const int64_t document : sample.documents) drawn.push_back(part_of[document]);
  return drawn;
}

double log_loss(const Calibration& calibration, const Sample& sample) {
  const double least = 1 / (static_cast<double>(calibration.pairs()) + 2);
  double sum = 0;
  for (size_t i = 0; i < sample.size(); ++i) {
    const double p = std::clamp(calibration(sample.scores[i]), least, 1 - least);
    sum -= sample.weights[i] * std::log(sample.gold[i] == 1 ? p : 1 - p);
  }
  return sum;
}

using Fit = Calibration (*)(const GoldPairs&);

// Over all parts, each predicted from the others; unset where a part leaves too little.
std::optional<double> cross_validated(Fit fit, const Sample& sample, const std::vector<int64_t>& part_of) {
  double loss = 0;
  for (int64_t part = 0; part < parts; ++part) {
    Sample fitted, held_out;
    for (size_t i = 0; i < sample.size(); ++i) (part_of[i] == part ? held_out : fitted).add(sample.pairs(), i);
    const int64_t noes = static_cast<int64_t>(fitted.size()) - fitted.yeses;
    if (std::min(fitted.yeses, noes) < Calibration::fewest_of_each) return std::nullopt;
    loss += log_loss(fit(fitted.pairs()), held_out);
  }
  return loss;
}

void check_rate(double yes_rate) {
  if (yes_rate > 0 && yes_rate < 1) return;
  throw std::invalid_argument("`yes_rate` must lie between 0 and 1, but is " + std::to_string(yes_rate) + " instead.");
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.3g", value);
  return text;
}

}  // namespace

const char* to_string(CalibrationKind kind) { return kind == CalibrationKind::shift ? "shift" : kind == CalibrationKind::platt ? "platt" : "isotonic"; }

Calibration::Calibration(CalibrationKind kind, Curve curve, int64_t pairs, int64_t yeses)
    : kind_(kind), curve_(std::move(curve)), pairs_(pairs), yeses_(yeses) {}

Calibration Calibration::platt(const GoldPairs& pairs) {
  const Sample sample = take_sample(pairs);
  return {CalibrationKind::platt, fit_sigmoid(sample), static_cast<int64_t>(sample.size()), sample.yeses};
}

Calibration Calibration::isotonic(const GoldPairs& pairs) {
  const Sample sample = take_sample(pairs);
  return {CalibrationKind::isotonic, fit_isotonic(sample.scores, sample.gold, sample.weights), static_cast<int64_t>(sample.size()), sample.yeses};
}

Calibration Calibration::fit(const GoldPairs& pairs, uint64_t seed) {
  const Sample sample = take_sample(pairs);
  if (static_cast<int64_t>(sample.size()) < fewest_for_isotonic) return platt(pairs);
  const std::vector<int64_t> part_of = draw_parts(sample, seed);
  const std::optional<double> by_sigmoid = cross_validated(&platt, sample, part_of), by_line = cross_validated(&isotonic, sample, part_of);
  return by_sigmoid && by_line && *by_line < *by_sigmoid ? isotonic(pairs) : platt(pairs);
}

Calibration Calibration::shift(std::span<const double> scores, double yes_rate, std::span<const double> weights) {
  check_rate(yes_rate);
  detail::check_scores("scores", scores);
  detail::check_weights(weights, scores.size());
  std::vector<double> logits, counts;
  double total = 0;
  for (size_t i = 0; i < scores.size(); ++i) {
    if (std::isnan(scores[i])) continue;
    logits.push_back(detail::logit(scores[i], surest));
    counts.push_back(weights.empty() ? 1.0 : weights[i]);
    total += counts.back();
  }
  if (!(total > 0))
    throw std::invalid_argument("A shift needs at least one score, but each of the " + std::to_string(scores.size()) + " is an abstention or weighs nothing.");
  const auto mean_at = [&](double offset) {
    double sum = 0;
    for (size_t i = 0; i < logits.size(); ++i) sum += counts[i] * detail::sigmoid(logits[i] + offset);
    return sum / total;
  };
  const double widest = detail::logit(1, surest) + std::abs(std::log(yes_rate / (1 - yes_rate))) + 1;
  return {CalibrationKind::shift, Sigmoid{.slope = 1, .offset = detail::find_shift(mean_at, yes_rate, widest, 100)}, static_cast<int64_t>(logits.size()), 0};
}

double Calibration::operator()(double score) const {
  if (std::isnan(score)) return score;
  if (score < 0 || score > 1) detail::check_scores("scores", std::span(&score, 1));
  if (const RisingLine* points = line()) return (*points)(score);
  const auto& [slope, offset] = *sigmoid();
  return detail::sigmoid(slope * detail::logit(score, surest) + offset);
}

std::vector<double> Calibration::apply(std::span<const double> scores) const {
  detail::check_scores("scores", scores);
  std::vector<double> calibrated;
  calibrated.reserve(scores.size());
  for (const double score : scores) calibrated.push_back((*this)(score));
  return calibrated;
}

CalibrationKind Calibration::kind() const { return kind_; }

Calibration Calibration::for_teacher(std::string identity) const {
  Calibration calibration = *this;
  calibration.teacher_ = std::move(identity);
  return calibration;
}

std::string Calibration::identity() const {
  detail::Hasher hasher;
  hasher.add("calibration 1").add(to_string(kind_));
  const auto add = [&](const std::vector<double>& numbers) {
    hasher.add(static_cast<int64_t>(numbers.size())).add_raw(numbers.data(), numbers.size() * sizeof(double));
  };
  if (const RisingLine* points = line()) {
    add(points->x);
    add(points->y);
  } else {
    add({sigmoid()->slope, sigmoid()->offset});
  }
  return std::string(to_string(kind_)) + "-" + detail::hex(hasher.finish()).substr(0, 16);
}

std::string Calibration::describe() const {
  std::string curve;
  if (const RisingLine* points = line()) {
    curve = "a line through " + std::to_string(points->x.size()) + " points, from " + number(points->y.front()) + " to " + number(points->y.back());
  } else {
    const auto& [slope, offset] = *sigmoid();
    const std::string sloped = slope == 1 ? "logit(score)" : number(slope) + " * logit(score)";
    curve = "sigmoid(" + sloped + (offset < 0 ? " - " : " + ") + number(std::abs(offset)) + ")";
  }
  const std::string yes = kind_ == CalibrationKind::shift ? "" : " (" + std::to_string(yeses_) + " yes)";
  return std::string(to_string(kind_)) + ": " + curve + ", from " + std::to_string(pairs_) + " pairs" + yes;
}

}  // namespace lmtx
