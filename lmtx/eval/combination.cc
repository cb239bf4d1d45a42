#include "lmtx/eval/combination.h"

#include <Eigen/Core>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <stdexcept>

#include "lmtx/detail/digest.h"
#include "lmtx/detail/fault.h"
#include "lmtx/detail/files.h"
#include "lmtx/detail/json.h"
#include "lmtx/detail/odds.h"
#include "lmtx/detail/quote.h"
#include "lmtx/detail/sealed_json.h"
#include "lmtx/eval/calibration.h"
#include "lmtx/eval/gold_checks.h"
#include "lmtx/eval/logistic.h"

namespace lmtx {

using detail::fail;
using detail::Json;

namespace {

constexpr double surest = 1 - 1e-6;
constexpr double surest_rate = 0.99;
constexpr double ridge = 1;
constexpr int64_t newest_format = 1;
// Of weights and numbers in files: sums of them stay finite.
constexpr double largest = 1e6;

void check_some(size_t num_teachers) {
  if (num_teachers == 0) throw std::invalid_argument("A combination needs at least one teacher, but there is none.");
}

void check_rate(const std::string& name, double rate, bool open) {
  if (open ? rate > 0 && rate < 1 : rate >= 0 && rate <= 1) return;
  throw std::invalid_argument(detail::quote(name) + " must lie " + (open ? "between 0 and 1" : "in [0, 1]") + ", but is " + std::to_string(rate) + " instead.");
}

Combination::Term vote(const Reliability& reliability) {
  const double sensitivity = std::clamp(reliability.sensitivity, 1 - surest_rate, surest_rate),
               specificity = std::clamp(reliability.specificity, 1 - surest_rate, surest_rate);
  return {.cut = reliability.cut, .yes = std::log(sensitivity / (1 - specificity)), .no = std::log((1 - sensitivity) / specificity)};
}

// The mean of each teacher's log-odds where it has a score.
Eigen::VectorXd centres_of(const Eigen::MatrixXd& logits, std::span<const double> weights) {
  Eigen::VectorXd centres(logits.cols());
  for (int64_t t = 0; t < logits.cols(); ++t) {
    double sum = 0, count = 0;
    for (int64_t i = 0; i < logits.rows(); ++i) {
      if (std::isnan(logits(i, t))) continue;
      const double weight = weights.empty() ? 1 : weights[static_cast<size_t>(i)];
      sum += weight * logits(i, t);
      count += weight;
    }
    if (!(count > 0)) throw std::invalid_argument("Teacher " + std::to_string(t) + " has no score among the " + std::to_string(logits.rows()) + " gold pairs.");
    centres[t] = sum / count;
  }
  return centres;
}

Eigen::MatrixXd logits_of(std::span<const double> scores, int64_t num_teachers) {
  const auto n = static_cast<int64_t>(scores.size()) / num_teachers;
  Eigen::MatrixXd logits(n, num_teachers);
  for (int64_t i = 0; i < n * num_teachers; ++i) {
    const double score = scores[static_cast<size_t>(i)];
    logits(i / num_teachers, i % num_teachers) = std::isnan(score) ? score : detail::logit(score, surest);
  }
  return logits;
}

void check_both_kinds(std::span<const double> gold) {
  const auto yeses = static_cast<int64_t>(std::count(gold.begin(), gold.end(), 1.0)), noes = static_cast<int64_t>(gold.size()) - yeses;
  if (std::min(yeses, noes) >= Calibration::fewest_of_each) return;
  throw std::invalid_argument("A combination is fitted to at least " + std::to_string(Calibration::fewest_of_each) + " yeses and as many noes, but the " +
                              std::to_string(gold.size()) + " gold pairs have " + std::to_string(yeses) + " yeses and " + std::to_string(noes) + " noes.");
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.3g", value);
  return text;
}

// Those that decide what it says.
std::vector<double> numbers_of(const Combination::Term& term, const std::string& kind) {
  if (kind == "votes") return {term.cut, term.yes, term.no};
  return {term.slope, term.centre};
}

double read_number(const Json& object, const char* key, const std::string& place) {
  const double value = detail::json_number_or(object, key, 0, place);
  if (!(std::abs(value) <= largest)) fail(place, detail::quote(key) + " must lie within a million, but is " + std::to_string(value) + " instead.");
  return value;
}

void check_format(const Json& object, const std::string& place) {
  if (!object.is_object()) fail(place, "a combination must be an object, but is " + std::string(object.type_name()) + " instead.");
  const int64_t format = detail::json_integer(object, "format", place);
  if (format > newest_format) {
    fail(place, "the combination has format " + std::to_string(format) + ", but this version of LMTX reads up to format " + std::to_string(newest_format) +
                    "; a newer version is needed.");
  }
  if (format < 1) fail(place, "`format` must be at least 1, but is " + std::to_string(format) + " instead.");
  detail::check_seal(object, place);
}

std::vector<Combination::Term> read_terms(const Json& object, const std::string& place) {
  const auto list = object.find("terms");
  if (list == object.end() || !list->is_array() || list->empty()) fail(place, "`terms` must be a list with an object for each teacher.");
  std::vector<Combination::Term> terms;
  for (const Json& term : *list) {
    if (!term.is_object()) fail(place, "`terms` must hold objects, but holds a " + std::string(term.type_name()) + ".");
    terms.push_back({.slope = read_number(term, "slope", place),
                     .centre = read_number(term, "centre", place),
                     .cut = read_number(term, "cut", place),
                     .yes = read_number(term, "yes", place),
                     .no = read_number(term, "no", place)});
  }
  return terms;
}

}  // namespace

Combination Combination::mean(std::span<const double> weights) {
  check_some(weights.size());
  std::vector<Term> terms;
  for (size_t i = 0; i < weights.size(); ++i) {
    if (!(weights[i] > 0 && weights[i] <= largest)) {
      throw std::invalid_argument("`weights[" + std::to_string(i) + "]` must be above 0 and at most a million, but is " + std::to_string(weights[i]) +
                                  " instead.");
    }
    terms.push_back({.slope = weights[i]});
  }
  return {"mean", std::move(terms), 0};
}

Combination Combination::votes(std::span<const Reliability> teachers, double yes_rate) {
  check_some(teachers.size());
  check_rate("yes_rate", yes_rate, /*open=*/true);
  std::vector<Term> terms;
  for (size_t i = 0; i < teachers.size(); ++i) {
    const std::string of = " of teacher " + std::to_string(i);
    check_rate("sensitivity" + of, teachers[i].sensitivity, /*open=*/false);
    check_rate("specificity" + of, teachers[i].specificity, /*open=*/false);
    check_rate("cut" + of, teachers[i].cut, /*open=*/false);
    terms.push_back(vote(teachers[i]));
  }
  return {"votes", std::move(terms), std::log(yes_rate / (1 - yes_rate))};
}

Combination Combination::fit(std::span<const double> scores, int64_t num_teachers, std::span<const double> gold, std::span<const double> weights) {
  check_some(static_cast<size_t>(std::max<int64_t>(num_teachers, 0)));
  detail::check_length("scores", scores.size(), gold.size() * static_cast<size_t>(num_teachers));
  detail::check_scores("scores", scores);
  detail::check_gold(gold);
  detail::check_weights(weights, gold.size());
  check_both_kinds(gold);
  Eigen::MatrixXd logits = logits_of(scores, num_teachers);
  const Eigen::VectorXd centres = centres_of(logits, weights);
  for (int64_t t = 0; t < num_teachers; ++t) {
    for (int64_t i = 0; i < logits.rows(); ++i) logits(i, t) = std::isnan(logits(i, t)) ? 0.0 : logits(i, t) - centres[t];
  }
  const detail::LogisticFit fitted = detail::fit_logistic(logits, gold, weights, ridge);
  std::vector<Term> terms;
  for (int64_t t = 0; t < num_teachers; ++t) terms.push_back({.slope = fitted.slopes[t], .centre = centres[t]});
  return {"fit", std::move(terms), fitted.offset};
}

double Combination::operator()(std::span<const double> scores) const {
  if (scores.size() != terms_.size()) {
    throw std::invalid_argument("`scores` must have one for each of the " + std::to_string(terms_.size()) + " teachers, but has " +
                                std::to_string(scores.size()) + " instead.");
  }
  detail::check_scores("scores", scores);
  double sum = offset_, answered = 0;
  for (size_t t = 0; t < terms_.size(); ++t) {
    if (std::isnan(scores[t])) continue;
    const Term& term = terms_[t];
    sum += kind_ == "votes" ? (scores[t] >= term.cut ? term.yes : term.no) : term.slope * (detail::logit(scores[t], surest) - term.centre);
    answered += kind_ == "mean" ? term.slope : 1;
  }
  if (answered == 0) return std::numeric_limits<double>::quiet_NaN();
  return detail::sigmoid(kind_ == "mean" ? sum / answered : sum);
}

std::string Combination::identity() const {
  detail::Hasher hasher;
  hasher.add("combination 1").add(kind_).add_raw(&offset_, sizeof(offset_));
  for (const Term& term : terms_) {
    const std::vector<double> numbers = numbers_of(term, kind_);
    hasher.add_raw(numbers.data(), numbers.size() * sizeof(double));
  }
  return kind_ + "-" + detail::hex(hasher.finish()).substr(0, 16);
}

std::string Combination::describe() const {
  std::string text = kind_ + ": ";
  if (kind_ != "mean") text += number(offset_);
  for (size_t t = 0; t < terms_.size(); ++t) {
    const Term& term = terms_[t];
    if (t > 0 || kind_ != "mean") text += ", ";
    text += kind_ == "votes" ? number(term.yes) + " or " + number(term.no) : number(term.slope) + " * (logit - " + number(term.centre) + ")";
  }
  return text;
}

Combination Combination::load(const std::filesystem::path& file) {
  const std::string place = file.string();
  const Json object = detail::read_json(file);
  check_format(object, place);
  const std::string kind = detail::json_string(object, "kind", place);
  if (kind != "mean" && kind != "votes" && kind != "fit") fail(place, "`kind` must be mean, votes or fit, but is " + detail::quote(kind) + " instead.");
  std::vector<Term> terms = read_terms(object, place);
  if (kind == "mean" && std::any_of(terms.begin(), terms.end(), [](const Term& term) { return !(term.slope > 0); }))
    fail(place, "`slope` of a mean must be above 0.");
  return {kind, std::move(terms), read_number(object, "offset", place)};
}

void Combination::save(const std::filesystem::path& file) const {
  Json terms = Json::array();
  for (const Term& term : terms_) {
    terms.push_back(kind_ == "votes" ? Json{{"cut", term.cut}, {"yes", term.yes}, {"no", term.no}} : Json{{"slope", term.slope}, {"centre", term.centre}});
  }
  detail::write_json(file, detail::sealed({{"format", newest_format}, {"kind", kind_}, {"offset", offset_}, {"terms", std::move(terms)}}));
}

}  // namespace lmtx
