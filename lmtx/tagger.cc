#include "lmtx/tagger.h"

#include <algorithm>
#include <future>
#include <stdexcept>
#include <utility>

#include "lmtx/detail/fault.h"
#include "lmtx/detail/files.h"
#include "lmtx/detail/json.h"
#include "lmtx/detail/json_lines.h"
#include "lmtx/detail/label_texts.h"
#include "lmtx/detail/linked_files.h"
#include "lmtx/detail/sealed_json.h"
#include "lmtx/detail/tagging_prompts.h"
#include "lmtx/encoder.h"
#include "lmtx/eval/decision_rule_json.h"
#include "lmtx/search/label_index.h"
#include "lmtx/stopped.h"

namespace lmtx {

struct Tagger::Impl {
  Encoder encoder;
  LabelSet labels;
  LabelIndex index;
  TaggerSettings settings;
  DecisionRule rule;
  // The checksums of the folder that it was loaded from; null for one that was not.
  detail::Json model = nullptr;
};

namespace {

namespace fs = std::filesystem;
using detail::Json;

// Labels that were removed are marked in labels.jsonl, which readers of format 1 would take for labels; without any the format is 1.
constexpr int64_t format = 2;
// How document_text() puts a document together; a folder that says otherwise was made by another LMTX.
constexpr const char* document_template = "{title}\t{content}";
// Texts embedded and searched at once: enough for texts of like length to meet in a batch, little enough for memory to stay small.
constexpr int64_t texts_at_once = 4096;

void check_length(const char* name, int64_t length, const Encoder& encoder) {
  if (length >= 2 && length <= encoder.max_positions()) return;
  throw std::invalid_argument(std::string("`") + name + "` must lie between 2 and the model's " + std::to_string(encoder.max_positions()) +
                              " positions, but is " + std::to_string(length) + " instead.");
}

void check_lengths(const TaggerSettings& settings, const Encoder& encoder) {
  check_length("search_length", settings.search_length, encoder);
  check_length("label_length", settings.label_length, encoder);
}

TaggerSettings resolve(TaggerSettings settings, const Encoder& encoder) {
  for (int64_t* length : {&settings.search_length, &settings.label_length}) {
    if (*length == 0) *length = encoder.max_length();
  }
  for (auto* prompt : {&settings.document_prompt, &settings.label_prompt}) *prompt = prompt->value_or(encoder.default_prompt());
  return settings;
}

void check_parts(const Encoder& encoder, const LabelSet& labels, const LabelIndex& index, const TaggerSettings& settings) {
  check_lengths(settings, encoder);
  detail::check_prompt("document_prompt", *settings.document_prompt, settings.search_length, encoder);
  detail::check_prompt("label_prompt", *settings.label_prompt, settings.label_length, encoder);
  if (index.dim() != encoder.dim()) {
    throw std::invalid_argument("`index` must have vectors of " + std::to_string(encoder.dim()) + " dimensions, as the encoder, but has " +
                                std::to_string(index.dim()) + " instead.");
  }
  for (int64_t number = 0; labels.num_living() < labels.size() && number < labels.size(); ++number) {
    if (labels.is_living(number) || !index.contains(number)) continue;
    throw std::invalid_argument("`index` has rows of label number " + std::to_string(number) + ", which was removed from `labels`.");
  }
  if (index.max_label() >= labels.size()) {
    throw std::invalid_argument("`index` has rows of label number " + std::to_string(index.max_label()) + ", but `labels` has only " +
                                std::to_string(labels.size()) + " labels.");
  }
}

EncodeOptions encode_options(int64_t max_length, const std::string& prompt) { return {.max_length = max_length, .prompt = prompt, .normalize = true}; }

LabelIndex embed_all(const Encoder& encoder, const LabelSet& labels, const TaggerSettings& settings, ComputeDtype dtype, const EventCallback& on_event,
                     std::stop_token stop) {
  std::vector<int64_t> numbers;
  for (auto label = labels.begin(); label != labels.end(); ++label) numbers.push_back(label.number());
  const LabelRows embedded = detail::embed_labels(encoder, labels, numbers, settings, dtype, on_event, std::move(stop));
  return LabelIndex::build(embedded.rows, embedded.owners);
}

// Which of the k candidates become tags: all, or those that the rule keeps.
std::vector<Tag> tags_of(const LabelSet& labels, const int64_t* numbers, const float* scores, int64_t k, const DecisionRule& rule, bool all) {
  std::vector<Tag> tags;
  for (int64_t i = 0; i < k && numbers[i] >= 0; ++i) {
    if (!all && !rule.keeps(numbers[i], scores[i])) continue;
    const Label& label = labels[numbers[i]];
    const std::optional<double> probability = rule.probability(scores[i]);
    tags.push_back({.number = numbers[i], .uid = label.uid, .label = label.name, .score = scores[i], .probability = probability});
  }
  return tags;
}

int64_t candidates_wanted(const TagOptions& options, const DecisionRule& rule, const LabelSet& labels) {
  if (options.k < 0) throw std::invalid_argument("`k` must be at least 1, or 0 for the tagger's own, but is " + std::to_string(options.k) + " instead.");
  return std::min(options.k == 0 ? rule.k() : options.k, std::max<int64_t>(labels.size(), 1));
}

void report(const EventCallback& on_event, int64_t done, int64_t total) {
  if (on_event) on_event({.kind = Event::Kind::progress, .stage = "tag", .cycle = -1, .done = done, .total = total, .message = ""});
}

// Progress of a block that starts at `begin` as progress of the whole.
EventCallback shifted(const EventCallback& on_event, int64_t begin, int64_t total) {
  if (!on_event) return {};
  return [&on_event, begin, total](const Event& event) { report(on_event, begin + event.done, total); };
}

Json kinds_of_texts(const TaggerSettings& settings) {
  Json kinds = {"name"};
  if (settings.embed_other_names) kinds.push_back("other names");
  if (settings.embed_descriptions) kinds.push_back("description");
  return kinds;
}

// `model` as folder_checksums() gives it.
Json settings_json(const TaggerSettings& settings, const DecisionRule& rule, const LabelSet& labels, const Json& model) {
  return {{"format", labels.num_living() < labels.size() ? format : 1},
          {"document_template", document_template},
          {"search_length", settings.search_length},
          {"label_length", settings.label_length},
          {"document_prompt", *settings.document_prompt},
          {"label_prompt", *settings.label_prompt},
          {"label_texts", kinds_of_texts(settings)},
          {"decision", detail::to_json(rule)},
          {"labels", {{"count", labels.size()}, {"fingerprint", labels.fingerprint()}}},
          {"model", model}};
}

using detail::fail;

Json read_settings(const fs::path& folder, const fs::path& file) {
  if (!fs::exists(file)) fail(folder, "no tagger: it has no lmtx/settings.json. (Tagger::from_labels makes a tagger out of a model and labels.)");
  Json settings = detail::read_json(file);
  if (!settings.is_object()) fail(file, "no settings of a tagger.");
  const int64_t found = detail::json_integer(settings, "format", file.string());
  if (found > format) {
    fail(file, "written by a newer LMTX (format " + std::to_string(found) + "; this one reads up to " + std::to_string(format) + ").");
  }
  detail::check_seal(settings, file.string());
  if (detail::json_string(settings, "document_template", file.string()) != document_template) fail(file, "`document_template` is one that this LMTX lacks.");
  return settings;
}

const Json& part_of(const Json& settings, const char* key, const fs::path& file) {
  const auto part = settings.find(key);
  if (part == settings.end() || !part->is_object()) fail(file, std::string("`") + key + "` must be an object.");
  return *part;
}

// Whether a label has vectors of texts of this kind; before there were others than names nothing was said.
bool embeds(const Json& json, const char* kind, const std::string& place) {
  const std::vector<std::string> kinds = detail::json_strings_or_none(json, "label_texts", place);
  return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

TaggerSettings settings_of(const Json& json, const std::string& place) {
  return {.search_length = detail::json_integer(json, "search_length", place),
          .label_length = detail::json_integer(json, "label_length", place),
          .document_prompt = detail::json_string(json, "document_prompt", place),
          .label_prompt = detail::json_string(json, "label_prompt", place),
          .embed_other_names = embeds(json, "other names", place),
          .embed_descriptions = embeds(json, "description", place)};
}

LabelSet load_labels(const fs::path& file, const Json& described, const fs::path& settings_file) {
  LabelSet labels = LabelSet::open(file);
  const int64_t count = detail::json_integer(described, "count", settings_file.string());
  if (labels.size() != count) fail(file, "expected " + std::to_string(count) + " labels, but it has " + std::to_string(labels.size()) + ".");
  if (labels.fingerprint() != detail::json_string(described, "fingerprint", settings_file.string())) {
    fail(file, "changed since the tagger was saved: its labels are not those that lmtx/settings.json describes.");
  }
  return labels;
}

void check_target(const fs::path& folder) {
  if (!fs::exists(folder) || fs::exists(folder / "lmtx" / "settings.json")) return;
  if (fs::is_directory(folder) && fs::is_empty(folder)) return;
  fail(folder, "is there already and is no tagger; remove it or choose another folder.");
}

bool leads_out(const fs::path& path) { return path.is_absolute() || std::find(path.begin(), path.end(), "..") != path.end(); }

// Whether `fresh` has the model of `folder` now: where that is the one with these checksums, which takes neither time nor room.
bool link_model(const Json& model, const fs::path& folder, const fs::path& fresh) {
  const fs::path file = folder / "lmtx" / "settings.json";
  if (!model.is_object() || !fs::exists(file)) return false;
  for (const auto& [path, checksum] : model.items()) {
    if (leads_out(path)) return false;
  }
  try {
    if (detail::read_json(file).value("model", Json()) != model) return false;
    detail::check_folder(folder, model, file.string());
  } catch (const std::runtime_error&) {
    return false;  // Damaged: it is written anew.
  }
  for (const auto& [path, checksum] : model.items()) detail::link_file(folder / path, fresh / path);
  return true;
}

Json checked_provenance(const std::string& text) {
  try {
    return detail::parse_json(text, "`provenance`");
  } catch (const std::runtime_error& error) {
    throw std::invalid_argument(error.what());
  }
}

}  // namespace

Tagger::Tagger(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

Tagger::Tagger(Encoder encoder, LabelSet labels, LabelIndex index, TaggerSettings settings, DecisionRule rule) {
  settings = resolve(std::move(settings), encoder);
  check_parts(encoder, labels, index, settings);
  impl_ = std::make_shared<const Impl>(Impl{std::move(encoder), std::move(labels), std::move(index), std::move(settings), rule});
}

Tagger Tagger::with(LabelSet labels, LabelIndex index) const {
  auto impl = std::make_shared<Impl>(*impl_);
  impl->labels = std::move(labels);
  impl->index = std::move(index);
  return Tagger(std::move(impl));
}

Tagger Tagger::from_labels(Encoder encoder, LabelSet labels, TaggerSettings settings, DecisionRule rule, const EventCallback& on_event, std::stop_token stop,
                           ComputeDtype dtype) {
  settings = resolve(std::move(settings), encoder);
  check_length("label_length", settings.label_length, encoder);
  LabelIndex index = embed_all(encoder, labels, settings, dtype, on_event, std::move(stop));
  return Tagger(std::move(encoder), std::move(labels), std::move(index), std::move(settings), rule);
}

Tagger Tagger::with_rule(DecisionRule rule) const {
  Impl changed = *impl_;
  changed.rule = std::move(rule);
  return Tagger(std::make_shared<const Impl>(std::move(changed)));
}

Tagger Tagger::load(const fs::path& folder, const TaggerOptions& options) {
  const fs::path file = folder / "lmtx" / "settings.json";
  const Json json = read_settings(folder, file);
  const TaggerSettings settings = settings_of(json, file.string());
  const DecisionRule rule = detail::read_decision_rule(part_of(json, "decision", file), file.string());
  // Each takes seconds where there are many labels. Of several faults the first in this order is told.
  auto labels = std::async(std::launch::async, [&] { return load_labels(folder / "lmtx" / "labels.jsonl", part_of(json, "labels", file), file); });
  auto index = std::async(std::launch::async, [&] { return LabelIndex::load(folder / "lmtx" / "index"); });
  std::promise<Encoder> encoder;
  try {
    detail::check_folder(folder, json.value("model", Json()), file.string());
    encoder.set_value(Encoder::load(folder, {.device = options.device}));
  } catch (...) {
    encoder.set_exception(std::current_exception());
  }
  LabelSet loaded_labels = labels.get();
  LabelIndex loaded_index = index.get();
  Encoder loaded_encoder = encoder.get_future().get();
  try {
    check_lengths(settings, loaded_encoder);
    const Tagger loaded(std::move(loaded_encoder), std::move(loaded_labels), std::move(loaded_index), settings, rule);
    auto impl = std::make_shared<Impl>(*loaded.impl_);
    impl->model = json.value("model", Json());
    return Tagger(std::move(impl));
  } catch (const std::invalid_argument& error) {
    fail(file, std::string("its parts do not fit together. ") + error.what());
  }
}

void Tagger::save(const fs::path& folder, const std::string& provenance) const {
  const Json origin = checked_provenance(provenance);
  check_target(folder);
  detail::write_folder_atomically(folder, [&](const fs::path& fresh) {
    const TaggerSettings& settings = impl_->settings;
    const bool has_model = link_model(impl_->model, folder, fresh);
    if (!has_model) {
      detail::with_tagging_prompts(impl_->encoder, *settings.document_prompt, *settings.label_prompt).save(fresh, settings.search_length, /*normalize=*/true);
    }
    const Json model = has_model ? impl_->model : detail::folder_checksums(fresh);
    const fs::path own = fresh / "lmtx";
    detail::make_folder(own);
    impl_->labels.save(own / "labels.jsonl");
    // Segments that are there already are not written again.
    detail::link_files_of(folder / "lmtx" / "index", own / "index");
    impl_->index.save(own / "index");
    detail::write_json(own / "provenance.json", origin);
    detail::write_json(own / "settings.json", detail::sealed(settings_json(impl_->settings, impl_->rule, impl_->labels, model)));
  });
}

std::vector<Tag> Tagger::tag(std::string_view text, const TagOptions& options) const { return tag(std::span(&text, 1), options)[0]; }

std::vector<std::vector<Tag>> Tagger::tag(std::span<const std::string_view> texts, const TagOptions& options, const EventCallback& on_event,
                                          std::stop_token stop) const {
  const int64_t k = candidates_wanted(options, impl_->rule, impl_->labels), total = static_cast<int64_t>(texts.size());
  const EncodeOptions encoding = encode_options(impl_->settings.search_length, *impl_->settings.document_prompt);
  std::vector<std::vector<Tag>> tags;
  for (int64_t begin = 0; begin < total; begin += texts_at_once) {
    const auto block = texts.subspan(begin, std::min(texts_at_once, total - begin));
    const at::Tensor queries = impl_->encoder.encode(block, encoding, shifted(on_event, begin, total), stop);
    const LabelMatches matches = impl_->index.search(queries, k, options.filter ? *options.filter : LabelFilter(), {}, stop);
    for (size_t i = 0; i < block.size(); ++i) {
      const int64_t row = static_cast<int64_t>(i) * k;
      tags.push_back(tags_of(impl_->labels, matches.labels.const_data_ptr<int64_t>() + row, matches.scores.const_data_ptr<float>() + row, k, impl_->rule,
                             /*all=*/options.k > 0));
    }
    // The encoder counts equal texts once.
    report(on_event, begin + static_cast<int64_t>(block.size()), total);
  }
  return tags;
}

std::vector<std::vector<Tag>> Tagger::tag(std::span<const Document> documents, const TagOptions& options, const EventCallback& on_event,
                                          std::stop_token stop) const {
  std::vector<std::string> texts;
  for (const Document& document : documents) texts.push_back(document_text(document));
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  return tag(views, options, on_event, std::move(stop));
}

const LabelSet& Tagger::labels() const { return impl_->labels; }
const Encoder& Tagger::encoder() const { return impl_->encoder; }
const LabelIndex& Tagger::index() const { return impl_->index; }
const TaggerSettings& Tagger::settings() const { return impl_->settings; }
const DecisionRule& Tagger::rule() const { return impl_->rule; }

}  // namespace lmtx
