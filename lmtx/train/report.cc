#include "lmtx/train/report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <stdexcept>
#include <utility>

#include "lmtx/detail/fault.h"
#include "lmtx/detail/json.h"
#include "lmtx/detail/sealed_json.h"

namespace lmtx {

namespace {

using detail::Json;

constexpr int64_t report_format = 1;

// --- JSON ---

// The counts of an AskingReport by their names, in the order of the report.
constexpr std::pair<const char*, int64_t AskingReport::*> asking_counts[] = {
    {"questions", &AskingReport::questions}, {"pairs_wanted", &AskingReport::pairs_wanted}, {"from_store", &AskingReport::from_store},
    {"judgments", &AskingReport::judgments}, {"abstentions", &AskingReport::abstentions},   {"missing", &AskingReport::missing},
    {"open", &AskingReport::open},           {"over_budget", &AskingReport::over_budget},   {"yes", &AskingReport::yes},
};

constexpr std::pair<const char*, int64_t InputReport::*> input_counts[] = {
    {"documents", &InputReport::documents},
    {"labels", &InputReport::labels},
    {"empty_documents", &InputReport::empty_documents},
    {"repeated_documents", &InputReport::repeated_documents},
    {"repeated_labels", &InputReport::repeated_labels},
    {"cut_documents", &InputReport::cut_documents},
    {"cut_labels", &InputReport::cut_labels},
};

constexpr std::pair<const char*, int64_t CycleReport::*> cycle_counts[] = {
    {"documents_with_yes", &CycleReport::documents_with_yes},
    {"documents_without_yes", &CycleReport::documents_without_yes},
    {"documents_left_over", &CycleReport::documents_left_over},
    {"steps", &CycleReport::steps},
};

// Rounded where a double's noise starts, so that 0.592 is 59.2.
double per_cent(double fraction) { return std::round(fraction * 1e12) / 1e10; }

Json to_json(const std::optional<Interval>& interval) {
  if (!interval) return nullptr;
  return {{"value", per_cent(interval->value)}, {"low", per_cent(interval->low)}, {"high", per_cent(interval->high)}};
}

// The counts that a table names, of any of the reports.
template <typename Report, size_t n>
Json counts_to_json(const Report& report, const std::pair<const char*, int64_t Report::*> (&counts)[n]) {
  Json json = Json::object();
  for (const auto& [name, member] : counts) json[name] = report.*member;
  return json;
}

Json to_json(const AskingReport& asking) {
  Json json = counts_to_json(asking, asking_counts);
  json["yes_rate"] = per_cent(asking.yes_rate());
  return json;
}

Json to_json(const Usage& usage) {
  return {{"prompt_tokens", usage.prompt_tokens},
          {"cached_tokens", usage.cached_tokens},
          {"completion_tokens", usage.completion_tokens},
          {"cost", usage.cost},
          {"seconds", usage.seconds}};
}

Json to_json(const CycleReport& cycle) {
  Json json = {{"cycle", cycle.cycle}, {"accepted", cycle.accepted}, {"development_precision@1", to_json(cycle.development_precision)}};
  json.update(counts_to_json(cycle, cycle_counts));
  json["first_loss"] = cycle.first_loss;
  json["last_loss"] = cycle.last_loss;
  json["training"] = to_json(cycle.training);
  json["development"] = to_json(cycle.development);
  if (cycle.usage != Usage{}) json["usage"] = to_json(cycle.usage);
  return json;
}

[[noreturn]] void refuse(const std::string& place, const char* key, const char* expected, const Json& value) {
  detail::fail(place, detail::quote(key) + " must be " + expected + ", but is " + value.type_name() + " instead.");
}

const Json& member(const Json& object, const char* key, const std::string& place) {
  if (!object.is_object() || !object.contains(key)) throw std::runtime_error(place + ": `" + key + "` is missing.");
  return object[key];
}

const Json& list(const Json& object, const char* key, const std::string& place) {
  const Json& value = member(object, key, place);
  if (!value.is_array()) refuse(place, key, "a list", value);
  return value;
}

std::optional<Interval> interval_from(const Json& json, const std::string& place) {
  if (json.is_null()) return std::nullopt;
  const auto fraction = [&](const char* key) { return detail::json_number_or(json, key, 0, place) / 100; };
  return Interval{fraction("value"), fraction("low"), fraction("high")};
}

template <typename Report, size_t n>
void read_counts(const Json& json, Report& report, const std::pair<const char*, int64_t Report::*> (&counts)[n], const std::string& place) {
  for (const auto& [name, member] : counts) report.*member = detail::json_integer(json, name, place);
}

InputReport inputs_from(const Json& json, const std::string& place) {
  InputReport inputs;
  read_counts(json, inputs, input_counts, place);
  return inputs;
}

AskingReport asking_from(const Json& json, const std::string& place) {
  AskingReport asking;
  read_counts(json, asking, asking_counts, place);
  return asking;
}

Usage usage_from(const Json& json, const std::string& place) {
  return {.prompt_tokens = detail::json_integer(json, "prompt_tokens", place),
          .cached_tokens = detail::json_integer(json, "cached_tokens", place),
          .completion_tokens = detail::json_integer(json, "completion_tokens", place),
          .cost = detail::json_number_or(json, "cost", 0, place),
          .seconds = detail::json_number_or(json, "seconds", 0, place)};
}

CycleReport cycle_from(const Json& json, const std::string& place) {
  CycleReport cycle;
  cycle.cycle = detail::json_integer(json, "cycle", place);
  cycle.accepted = detail::json_boolean_or(json, "accepted", false, place);
  cycle.development_precision = interval_from(member(json, "development_precision@1", place), place);
  read_counts(json, cycle, cycle_counts, place);
  cycle.first_loss = detail::json_number_or(json, "first_loss", 0, place);
  cycle.last_loss = detail::json_number_or(json, "last_loss", 0, place);
  cycle.training = asking_from(member(json, "training", place), place);
  cycle.development = asking_from(member(json, "development", place), place);
  if (json.contains("usage")) cycle.usage = usage_from(json["usage"], place);
  return cycle;
}

std::vector<std::string> strings_from(const Json& json, const char* key, const std::string& place) {
  std::vector<std::string> strings;
  for (const Json& entry : list(json, key, place)) {
    if (!entry.is_string()) throw std::runtime_error(place + ": `" + std::string(key) + "` must hold strings, but holds a " + entry.type_name() + ".");
    strings.push_back(entry.get<std::string>());
  }
  return strings;
}

// --- plain text ---

std::string format(const char* pattern, double number) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, pattern, number);
  return buffer;
}

// 20000 as 20,000.
std::string count(int64_t number) {
  std::string digits = std::to_string(number);
  for (int64_t i = static_cast<int64_t>(digits.size()) - 3; i > (number < 0 ? 1 : 0); i -= 3) digits.insert(static_cast<size_t>(i), 1, ',');
  return digits;
}

std::string interval_text(const std::optional<Interval>& interval) {
  if (!interval) return "-";
  return format("%.1f", interval->value * 100) + " [" + format("%.1f", interval->low * 100) + ", " + format("%.1f", interval->high * 100) + "]";
}

using Row = std::vector<std::string>;

// Columns two spaces apart; text of the first and the last column starts at the left, numbers end at the right.
std::string table(const std::vector<Row>& rows) {
  std::vector<size_t> widths(rows.front().size(), 0);
  for (const Row& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const Row& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const size_t gap = widths[i] - row[i].size();
      const bool left = i == 0 || i + 1 == row.size();
      if (i != 0) line += "  ";
      line.append(left ? 0 : gap, ' ').append(row[i]).append(left ? gap : 0, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

Row asking_row(std::string first, const AskingReport& asking) {
  return {std::move(first),
          count(asking.questions),
          count(asking.pairs_wanted),
          count(asking.from_store),
          count(asking.judgments),
          count(asking.abstentions),
          count(asking.open + asking.over_budget),
          asking.judgments ? format("%.1f", asking.yes_rate() * 100) : "-",
          ""};
}

std::string asking_table(const TrainingReport& report) {
  std::vector<Row> rows = {{"cycle", "questions", "pairs wanted", "from store", "judgments", "abstained", "not asked", "yes %", ""}};
  for (const CycleReport& cycle : report.cycles) {
    rows.push_back(asking_row(std::to_string(cycle.cycle), cycle.training));
    if (cycle.development.pairs_wanted) rows.push_back(asking_row(std::to_string(cycle.cycle) + " held out", cycle.development));
  }
  rows.push_back(asking_row("all", report.total));
  return table(rows);
}

std::string training_table(const TrainingReport& report) {
  std::vector<Row> rows = {{"cycle", "trained on", "without a yes", "steps", "first loss", "last loss", "held-out P@1 %", ""}};
  if (report.untouched_precision) rows.push_back({"untouched", "", "", "", "", "", interval_text(report.untouched_precision), ""});
  for (const CycleReport& cycle : report.cycles) {
    rows.push_back({std::to_string(cycle.cycle), count(cycle.documents_with_yes), count(cycle.documents_without_yes), count(cycle.steps),
                    format("%.4f", cycle.first_loss), format("%.4f", cycle.last_loss), interval_text(cycle.development_precision),
                    cycle.cycle == report.best_cycle ? "kept" : ""});
  }
  return table(rows);
}

// A count with thousands, or a sum of money with as many decimals as it needs.
std::string money(double amount) { return format(amount >= 100 ? "%.0f" : amount >= 1 ? "%.2f" : "%.4f", amount); }

// What the judgments of each cycle cost, and what they bought.
std::string value_table(const TrainingReport& report) {
  const bool has_tokens = report.usage().prompt_tokens + report.usage().completion_tokens > 0, has_cost = report.usage().cost > 0;
  Row head{"cycle", "judgments"};
  if (has_tokens) head.insert(head.end(), {"prompt tokens", "cached", "answer tokens"});
  if (has_cost) head.push_back("cost");
  head.insert(head.end(), {"points per 1,000 judgments", ""});
  std::vector<Row> rows{head};
  const auto gains = report.gains_per_thousand();
  for (size_t i = 0; i < report.cycles.size(); ++i) {
    const CycleReport& cycle = report.cycles[i];
    Row row{std::to_string(cycle.cycle), count(cycle.training.judgments + cycle.development.judgments)};
    if (has_tokens) row.insert(row.end(), {count(cycle.usage.prompt_tokens), count(cycle.usage.cached_tokens), count(cycle.usage.completion_tokens)});
    if (has_cost) row.push_back(money(cycle.usage.cost));
    row.insert(row.end(), {gains[i] ? format("%+.2f", *gains[i] * 100) : "-", ""});
    rows.push_back(std::move(row));
  }
  return table(rows);
}

std::string ending(const TrainingReport& report) {
  if (report.ended == "cycles") return "All cycles are done.";
  if (report.ended == "no gain") return "The last cycle brought no gain on the held-out verdicts.";
  if (report.ended == "budget") return "The budget is spent.";
  if (report.ended == "stages") return "All stages are done.";
  if (report.ended == "nothing to learn") return "Nothing to learn: no document has a yes.";
  return report.ended;
}

}  // namespace

namespace {

// An estimate with its interval, and how it is without a cache and with one where they differ.
std::string estimate_text(const Interval& interval, const std::function<std::string(double)>& shown) {
  return shown(interval.value) + " [" + shown(interval.low) + ", " + shown(interval.high) + "]";
}

void add_estimate(std::vector<Row>& rows, const Estimate& estimate) {
  const auto tokens = [](double number) { return count(static_cast<int64_t>(std::llround(number))); };
  const auto hours = [](double number) { return format(number >= 10 ? "%.0f" : "%.2f", number); };
  const auto add = [&](const char* name, const std::optional<Interval>& interval, const auto& shown, const std::string& meaning) {
    if (interval) rows.push_back({name, estimate_text(*interval, shown), meaning});
  };
  const bool has_cache = estimate.computed_tokens.value < estimate.prompt_tokens.value;
  add("prompt tokens", std::optional(estimate.prompt_tokens), tokens,
      estimate.sampled > 0 ? "from " + count(estimate.sampled) + " questions" : "from earlier answers");
  if (has_cache) add("", std::optional(estimate.computed_tokens), tokens, "with a prefix cache");
  add("answer tokens", std::optional(estimate.completion_tokens), tokens, "");
  add("cost", estimate.cost, money, "");
  if (has_cache) add("", estimate.cost_with_cache, money, "with a prefix cache");
  add("hours", estimate.hours, hours, "");
  if (has_cache) add("", estimate.hours_with_cache, hours, "with a prefix cache");
}

}  // namespace

std::string Plan::to_string() const {
  std::vector<Row> rows{{"documents", count(documents), ""},
                        {"labels", count(labels), ""},
                        {"held out", count(development), "documents, to measure each cycle"},
                        {"cycles", count(cycles), "at most"},
                        {"questions", count(questions), "at most, one a document and cycle"},
                        {"pairs", count(pairs_wanted), "at most, those in the store included"},
                        {"judgments", count(judgments), "at most, charged to the budget"}};
  if (estimate) add_estimate(rows, *estimate);
  std::string text = table(rows);
  if (!limit.empty()) text += "The budget's limit of " + limit + " is reached first.\n";
  if (!estimate && judgments > 0) text += "What this takes in tokens, money and time neither the teacher nor the store can tell.\n";
  return text;
}

Usage TrainingReport::usage() const {
  Usage all;
  for (const CycleReport& cycle : cycles) all = all + cycle.usage;
  return all;
}

std::vector<std::optional<double>> TrainingReport::gains_per_thousand() const {
  std::vector<std::optional<double>> gains;
  const std::optional<Interval>* before = &untouched_precision;
  for (const CycleReport& cycle : cycles) {
    const int64_t judgments = cycle.training.judgments + cycle.development.judgments;
    const bool known = *before && cycle.development_precision && judgments > 0;
    gains.push_back(known ? std::optional((cycle.development_precision->value - (*before)->value) * 1000 / static_cast<double>(judgments)) : std::nullopt);
    if (cycle.development_precision) before = &cycle.development_precision;
  }
  return gains;
}

std::string TrainingReport::to_json() const {
  Json json = {{"format", report_format},
               {"teacher", teacher},
               {"ended", ended},
               {"best_cycle", best_cycle},
               {"untouched_precision@1", lmtx::to_json(untouched_precision)}};
  json["inputs"] = counts_to_json(inputs, input_counts);
  json["total"] = lmtx::to_json(total);
  json["cycles"] = Json::array();
  const auto gains = gains_per_thousand();
  for (size_t i = 0; i < cycles.size(); ++i) {
    Json cycle = lmtx::to_json(cycles[i]);
    cycle["gain_per_1000_judgments"] = gains[i] ? Json(per_cent(*gains[i])) : Json();
    json["cycles"].push_back(std::move(cycle));
  }
  json["notices"] = notices;
  json["student_folders"] = student_folders;
  json["tagger_folder"] = tagger_folder;
  return json.dump(2, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

TrainingReport report_from_json(const std::string& text, const std::string& place) {
  const Json json = detail::parse_json(text, place);
  const int64_t format = detail::json_integer(json, "format", place);
  if (format > report_format) {
    throw std::runtime_error(place + ": has format " + std::to_string(format) + ", but this version of LMTX reads up to " + std::to_string(report_format) +
                             "; update LMTX.");
  }
  TrainingReport report;
  report.teacher = detail::json_string(json, "teacher", place);
  report.ended = detail::json_string(json, "ended", place);
  report.best_cycle = detail::json_integer(json, "best_cycle", place);
  report.untouched_precision = interval_from(member(json, "untouched_precision@1", place), place);
  report.inputs = inputs_from(member(json, "inputs", place), place);
  report.total = asking_from(member(json, "total", place), place);
  for (const Json& cycle : list(json, "cycles", place)) report.cycles.push_back(cycle_from(cycle, place));
  report.notices = strings_from(json, "notices", place);
  report.student_folders = strings_from(json, "student_folders", place);
  report.tagger_folder = detail::json_string(json, "tagger_folder", place);
  detail::check_seal(json, place);
  return report;
}

std::string TrainingReport::to_string() const {
  std::string text =
      "Teacher: " + teacher + "\n\n" + asking_table(*this) + "\n" + training_table(*this) + "\n" + value_table(*this) + "\n" + ending(*this) + "\n";
  if (!tagger_folder.empty()) text += "Tagger: " + tagger_folder + "\n";
  for (const std::string& notice : notices) text += "Note: " + notice + "\n";
  return text;
}

}  // namespace lmtx
