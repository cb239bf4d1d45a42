#include "lmtx/eval/decision_rule_json.h"

#include <cmath>
#include <stdexcept>

#include "lmtx/detail/fault.h"
#include "lmtx/detail/quote.h"
#include "lmtx/eval/calibration_json.h"
#include "lmtx/eval/decision_rule_impl.h"

namespace lmtx {

using detail::fail;
using detail::Json;

namespace {

constexpr const char* top_k = "top-k";

double read_number(const Json& object, const char* key, const std::string& place) {
  const double value = detail::json_number_or(object, key, std::nan(""), place);
  if (!std::isfinite(value)) fail(place, detail::quote(key) + " must be a number, but is missing or not finite.");
  return value;
}

const Json& read_list(const Json& object, const char* key, const std::string& place) {
  const auto list = object.find(key);
  if (list == object.end() || !list->is_array()) fail(place, detail::quote(key) + " must be a list.");
  return *list;
}

// JSON has no infinity.
Json write_score(double score) {
  if (score == DecisionCut::everything) return "everything";
  return score == DecisionCut::nothing ? Json("nothing") : Json(score);
}

double read_score(const Json& object, const std::string& place) {
  const auto score = object.find("score");
  if (score != object.end() && *score == "everything") return DecisionCut::everything;
  if (score != object.end() && *score == "nothing") return DecisionCut::nothing;
  return read_number(object, "score", place);
}

// Null where it is not known.
Json write_known(double value) { return std::isnan(value) ? Json(nullptr) : Json(value); }

Json write_interval(const Interval& interval) {
  return {{"value", write_known(interval.value)}, {"low", write_known(interval.low)}, {"high", write_known(interval.high)}};
}

Json write_cut(const DecisionCut& cut) {
  Json object = Json::object();
  if (!cut.group.empty() || !cut.labels.empty()) object = {{"group", cut.group}, {"labels", cut.labels}};
  object["score"] = write_score(cut.score);
  object["met"] = cut.met;
  object["estimate"] = write_interval(cut.estimate);
  object["fresh"] = write_interval(cut.fresh);
  object["evidence"] = {
      {"pairs", cut.pairs}, {"yeses", cut.yeses}, {"documents", cut.documents}, {"pairs_needed", cut.pairs_needed}, {"documents_needed", cut.documents_needed}};
  return object;
}

const Json& read_object(const Json& object, const char* key, const std::string& place) {
  const auto part = object.find(key);
  if (part == object.end() || !part->is_object()) fail(place, detail::quote(key) + " must be an object.");
  return *part;
}

double read_known(const Json& object, const char* key, const std::string& place) {
  const auto value = object.find(key);
  return value == object.end() || value->is_null() ? std::nan("") : read_number(object, key, place);
}

Interval read_interval(const Json& object, const char* key, const std::string& place) {
  const Json& interval = read_object(object, key, place);
  return {.value = read_known(interval, "value", place), .low = read_known(interval, "low", place), .high = read_known(interval, "high", place)};
}

std::vector<int64_t> read_labels(const Json& object, const std::string& place) {
  std::vector<int64_t> labels;
  for (const Json& label : read_list(object, "labels", place)) {
    if (!label.is_number_integer()) fail(place, "`labels` must be a list of label numbers, but holds a " + std::string(label.type_name()) + ".");
    labels.push_back(label.get<int64_t>());
    if (labels.back() < 0 || (labels.size() > 1 && labels.back() <= labels[labels.size() - 2])) fail(place, "`labels` must rise from 0 up.");
  }
  return labels;
}

DecisionCut read_cut(const Json& object, bool is_common, const std::string& place) {
  if (!object.is_object()) fail(place, "a cut must be an object.");
  DecisionCut cut;
  if (!is_common) {
    cut.group = detail::json_string(object, "group", place);
    cut.labels = read_labels(object, place);
  }
  cut.score = read_score(object, place);
  cut.met = detail::json_boolean(object, "met", place);
  cut.estimate = read_interval(object, "estimate", place);
  cut.fresh = read_interval(object, "fresh", place);
  const Json& evidence = read_object(object, "evidence", place);
  cut.pairs = detail::json_integer(evidence, "pairs", place);
  cut.yeses = detail::json_integer(evidence, "yeses", place);
  cut.documents = detail::json_integer(evidence, "documents", place);
  cut.pairs_needed = detail::json_integer(evidence, "pairs_needed", place);
  cut.documents_needed = detail::json_integer(evidence, "documents_needed", place);
  return cut;
}

DecisionKind read_kind(const std::string& name, const std::string& place) {
  for (const DecisionKind kind : {DecisionKind::precision, DecisionKind::f1, DecisionKind::number, DecisionKind::coverage}) {
    if (name == to_string(kind)) return kind;
  }
  if (name == top_k) return DecisionKind::top;
  fail(place, "the decision rule \"" + name + "\" is one that this LMTX lacks.");
}

}  // namespace

struct DecisionRuleJson {
  static Json write(const DecisionRule& rule) {
    const bool top = rule.kind() == DecisionKind::top;
    Json object = {{"rule", top ? top_k : to_string(rule.kind())}, {"k", rule.k()}};
    if (!top) {
      if (!std::isnan(rule.aim())) object["aim"] = rule.aim();
      object["confidence"] = rule.confidence();
      object["judge"] = rule.judge();
      for (const DecisionCut& cut : rule.cuts()) object["cuts"].push_back(write_cut(cut));
    }
    if (rule.calibration()) object["calibration"] = detail::to_json(*rule.calibration());
    return object;
  }

  static DecisionRule read(const Json& object, const std::string& place) {
    DecisionRule::Impl impl;
    impl.kind = read_kind(detail::json_string(object, "rule", place), place);
    impl.k = detail::json_integer(object, "k", place);
    if (impl.k < 1) fail(place, "`k` of the decision rule must be at least 1, but is " + std::to_string(impl.k) + " instead.");
    impl.aim = read_known(object, "aim", place);
    if (impl.kind != DecisionKind::top) read_fit(impl, object, place);
    if (object.contains("calibration")) impl.calibration = detail::read_calibration(object["calibration"], place);
    return DecisionRule(std::make_shared<const DecisionRule::Impl>(std::move(impl)));
  }

  static void read_fit(DecisionRule::Impl& impl, const Json& object, const std::string& place) {
    impl.confidence = read_number(object, "confidence", place);
    impl.judge = detail::json_string(object, "judge", place);
    impl.cuts.clear();
    for (const Json& cut : read_list(object, "cuts", place)) impl.cuts.push_back(read_cut(cut, impl.cuts.empty(), place));
    if (impl.cuts.empty()) fail(place, "`cuts` must not be empty.");
    try {
      impl.index_groups();
    } catch (const std::invalid_argument& error) {
      fail(place, error.what());
    }
  }
};

namespace detail {

Json to_json(const DecisionRule& rule) { return DecisionRuleJson::write(rule); }
DecisionRule read_decision_rule(const Json& object, const std::string& place) { return DecisionRuleJson::read(object, place); }

}  // namespace detail

}  // namespace lmtx
