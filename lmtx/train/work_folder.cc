#include "lmtx/train/work_folder.h"

#include <random>
#include <stdexcept>

#include "lmtx/detail/fault.h"
#include "lmtx/detail/json.h"
#include "lmtx/detail/options_json.h"
#include "lmtx/detail/sealed_json.h"

namespace lmtx {

namespace fs = std::filesystem;
using detail::Json;

namespace {

constexpr int64_t run_format = 1;
// No machine has more; a damaged number must not start them.
constexpr int64_t max_threads = 1 << 16;

std::string draw_run_id() {
  std::random_device device;
  std::string id;
  for (int i = 0; i < 32; ++i) id += "0123456789abcdef"[device() % 16];
  return id;
}

Json to_json(const RunManifest& manifest) {
  Json json;
  json["format"] = run_format;
  json["run"] = manifest.run;
  json["teacher"] = manifest.teacher;
  json["base"] = manifest.base;
  json["documents"] = manifest.documents;
  json["labels"] = manifest.labels;
  json["store"] = manifest.store;
  json["budget"]["judgments"] = manifest.budget.judgments ? Json(*manifest.budget.judgments) : Json(nullptr);
  if (manifest.budget.tokens) json["budget"]["tokens"] = *manifest.budget.tokens;
  if (manifest.budget.cost) json["budget"]["cost"] = *manifest.budget.cost;
  if (manifest.budget.seconds) json["budget"]["seconds"] = *manifest.budget.seconds;
  json["budget"]["charge_stored"] = manifest.budget.charge_stored;
  json["options"] = detail::options_to_json(manifest.options);
  json["torch"] = manifest.torch;
  json["threads"] = manifest.threads;
  return json;
}

Budget budget_from_json(const Json& json, const std::string& place) {
  Budget budget;
  if (json.contains("judgments") && !json["judgments"].is_null()) budget.judgments = detail::json_integer(json, "judgments", place);
  if (json.contains("tokens")) budget.tokens = detail::json_integer(json, "tokens", place);
  if (json.contains("cost")) budget.cost = detail::json_number_or(json, "cost", 0, place);
  if (json.contains("seconds")) budget.seconds = detail::json_number_or(json, "seconds", 0, place);
  budget.charge_stored = detail::json_boolean_or(json, "charge_stored", false, place);
  return budget;
}

RunManifest from_json(const Json& json, const std::string& place) {
  const int64_t format = detail::json_integer(json, "format", place);
  if (format > run_format)
    throw std::runtime_error(place + " has format " + std::to_string(format) + ", but this LMTX reads formats up to " + std::to_string(run_format) + ".");
  RunManifest manifest;
  manifest.run = detail::json_string(json, "run", place);
  manifest.teacher = detail::json_string(json, "teacher", place);
  manifest.base = detail::json_string(json, "base", place);
  manifest.documents = detail::json_string(json, "documents", place);
  manifest.labels = detail::json_string(json, "labels", place);
  manifest.store = detail::json_string(json, "store", place);
  manifest.budget = budget_from_json(json.value("budget", Json::object()), place);
  manifest.options = detail::options_from_json(json.value("options", Json::object()), place);
  manifest.torch = detail::json_string(json, "torch", place);
  manifest.threads = detail::json_integer(json, "threads", place);
  if (manifest.threads < 1 || manifest.threads > max_threads)
    detail::fail(place, "`threads` must be from 1 to " + std::to_string(max_threads) + ", but is " + std::to_string(manifest.threads) + ".");
  detail::check_seal(json, place);
  return manifest;
}

std::string limit_text(const Budget& budget) {
  std::string text;
  const auto add = [&](const auto& limit, const char* of) {
    if (limit) text += (text.empty() ? "" : ", ") + detail::Json(*limit).dump() + of;
  };
  add(budget.judgments, " judgments");
  add(budget.tokens, " tokens");
  add(budget.cost, " of cost");
  add(budget.seconds, " seconds");
  return text.empty() ? "without limit" : text;
}

std::string store_text(const std::string& store) { return store.empty() ? "in the work folder" : store; }

std::string shown(const OptionInfo& option) { return option.type == "text" ? "\"" + option.value + "\"" : option.value; }

// Earlier versions wrote their default as a number; it is what 0 means on the CPU now.
TrainerOptions as_meant_now(const TrainerOptions& started, const TrainerOptions& given) {
  TrainerOptions options = started;
  if (options.search_token_budget == 4096 && given.search_token_budget == 0) options.search_token_budget = 0;
  return options;
}

}  // namespace

std::vector<std::string> differences(const RunManifest& started, const RunManifest& given) {
  std::vector<std::string> found;
  const auto compare = [&](const std::string& what, const std::string& there, const std::string& here) {
    if (there != here) found.push_back(what + " is " + there + " there, but " + here + " was given");
  };
  const auto there = describe(as_meant_now(started.options, given.options)), here = describe(given.options);
  for (size_t i = 0; i < there.size(); ++i) compare("`" + there[i].name + "`", shown(there[i]), shown(here[i]));
  compare("the budget", limit_text(started.budget), limit_text(given.budget));
  compare("`charge_stored`", started.budget.charge_stored ? "true" : "false", given.budget.charge_stored ? "true" : "false");
  compare("the store", store_text(started.store), store_text(given.store));
  compare("the teacher", "'" + started.teacher + "'", "'" + given.teacher + "'");
  compare("the fingerprint of the base encoder", started.base, given.base);
  compare("the fingerprint of the documents", started.documents, given.documents);
  compare("the fingerprint of the labels", started.labels, given.labels);
  return found;
}

void WorkFolder::check_usable() const {
  if (folder_.empty()) throw std::invalid_argument("A run needs a work folder, but its path is empty.");
  if (fs::exists(folder_) && !fs::is_directory(folder_)) throw std::invalid_argument("The work folder " + folder_.string() + " is a file.");
  if (fs::exists(report())) return;
  if (const std::string fault = detail::why_not_writable(folder_); !fault.empty())
    throw std::invalid_argument("The work folder " + folder_.string() + " cannot be written: " + fault + ".");
  if (!fs::exists(folder_) || fs::exists(run_file())) return;
  for (const auto& entry : fs::directory_iterator(folder_)) {
    // What a kill may leave before the run has begun.
    const std::string name = entry.path().filename().string();
    if (name != lock_file().filename() && !name.starts_with(run_file().filename().string()))
      throw std::invalid_argument("The folder " + folder_.string() + " holds no run, but other things ('" + name + "'); give a new or an empty folder.");
  }
}

std::optional<RunManifest> WorkFolder::manifest() const {
  if (!fs::exists(run_file())) return std::nullopt;
  return from_json(detail::read_json(run_file()), run_file().string());
}

void WorkFolder::check_same(const RunManifest& given) const {
  const auto started = manifest();
  if (!started) return;
  std::string clauses;
  for (const std::string& difference : differences(*started, given)) clauses += (clauses.empty() ? "" : "; ") + difference;
  if (!clauses.empty())
    throw std::invalid_argument("The folder " + folder_.string() + " holds a run that was started otherwise: " + clauses + ". Give the same, or a new folder.");
}

std::unique_ptr<detail::FileLock> WorkFolder::lock() const {
  detail::make_folder(folder_);
  return std::make_unique<detail::FileLock>(lock_file(), "Another process is running in the work folder " + folder_.string() + ".");
}

RunManifest WorkFolder::begin(const RunManifest& given) const {
  check_same(given);
  remove_leftovers_of_kills();
  if (auto started = manifest()) return *started;
  RunManifest begun = given;
  begun.run = draw_run_id();
  detail::write_json(run_file(), detail::sealed(to_json(begun)));
  return begun;
}

fs::path WorkFolder::cycle(int64_t cycle) const {
  const fs::path folder = folder_ / ("cycle-" + std::to_string(cycle));
  detail::make_folder(folder);
  return folder;
}

void WorkFolder::remove_leftovers_of_kills() const {
  for (const fs::path& path : {run_file(), document_tokens(), label_tokens(), twins(), tagger(), report()}) detail::remove_leftovers(path);
  for (const char* name : {"titles.tokens", "contents.tokens", "titled", "titles.texts", "contents.texts"}) detail::remove_leftovers(folder_ / name);
  for (const auto& entry : fs::directory_iterator(folder_)) {
    const std::string folder = entry.path().filename().string();
    if (!entry.is_directory() || !(folder.starts_with("cycle-") || folder.starts_with("part-"))) continue;
    for (const char* name : {"shortlist", "untouched", "asked", "training/training.checkpoint", "student", "trained.json", "ranked", "measured", "cycle.json",
                             "clusters", "pairs"})
      detail::remove_leftovers(entry.path() / name);
  }
}

}  // namespace lmtx
