#include "lmtx/tagger.h"

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "lmtx/detail/files.h"
#include "lmtx/detail/json.h"
#include "lmtx/encoder.h"
#include "lmtx/search/label_index.h"
#include "lmtx/stopped.h"

namespace lmtx {
namespace {

namespace fs = std::filesystem;
using detail::Json;

// Raised when an older reader would misread what is written.
constexpr int64_t format = 1;
// Texts that are embedded and searched at once: memory is bounded, whatever the number of texts.
constexpr size_t block_texts = 4096;

Json to_json(const TaggerSettings& settings, const DecisionRule& rule) {
  return {{"format", format},
          {"document", "title, tab, content; a missing part brings no tab"},
          {"search_length", settings.search_length},
          {"label_length", settings.label_length},
          {"document_prompt", settings.document_prompt},
          {"label_prompt", settings.label_prompt},
          {"decision", {{"rule", "top-k"}, {"k", rule.k}}}};
}

int64_t positive(const Json& json, const char* key, const std::string& place) {
  const int64_t value = detail::json_integer(json, key, place);
  if (value < 1) throw std::runtime_error(place + ": `" + key + "` must be at least 1, but is " + std::to_string(value) + " instead.");
  return value;
}

void check_format(const Json& json, const std::string& place) {
  const int64_t found = detail::json_integer(json, "format", place);
  if (found <= format) return;
  throw std::runtime_error(place + ": made by a newer LMTX (format " + std::to_string(found) + "; this one reads up to " + std::to_string(format) + ").");
}

TaggerSettings settings_from_json(const Json& json, const std::string& place) {
  return {.search_length = positive(json, "search_length", place),
          .label_length = positive(json, "label_length", place),
          .document_prompt = detail::json_string_or(json, "document_prompt", "", place),
          .label_prompt = detail::json_string_or(json, "label_prompt", "", place)};
}

DecisionRule rule_from_json(const Json& json, const std::string& place) {
  if (!json.contains("decision")) throw std::runtime_error(place + ": `decision` is missing.");
  const Json& decision = json["decision"];
  const std::string rule = detail::json_string(decision, "rule", place);
  if (rule != "top-k") throw std::runtime_error(place + ": `decision.rule` must be \"top-k\", but is \"" + rule + "\" instead.");
  return {.k = positive(decision, "k", place)};
}

// Rows and labels that do not belong together would give wrong names, not an error, later on.
void check_fits(const Encoder& encoder, const LabelSet& labels, const LabelIndex& index) {
  if (index.dim() != encoder.dim()) {
    throw std::invalid_argument("`index` must have vectors of " + std::to_string(encoder.dim()) + " dimensions, as the encoder, but has " + std::to_string(index.dim()) +
                                " instead.");
  }
  if (index.num_labels() > labels.size()) {
    throw std::invalid_argument("`index` must have at most the " + std::to_string(labels.size()) + " labels of `labels`, but has " + std::to_string(index.num_labels()) +
                                " instead.");
  }
}

EncodeOptions encode_options(int64_t max_length, const std::string& prompt) { return {.max_length = max_length, .prompt = prompt, .normalize = true}; }

// How far a block that starts at `first` is, told in terms of the whole.
EventCallback shifted(const EventCallback& on_event, int64_t first, int64_t total) {
  if (!on_event) return {};
  return [&on_event, first, total](const Event& event) {
    on_event({.kind = Event::Kind::progress, .stage = "tag", .cycle = -1, .done = std::min(first + event.done, total), .total = total, .message = ""});
  };
}

}  // namespace

struct Tagger::Impl {
  Encoder encoder;
  LabelSet labels;
  LabelIndex index;
  TaggerSettings settings;
  DecisionRule rule;

  Tag make_tag(int64_t number, float score) const {
    const Label& label = labels[number];
    return {.number = number, .uid = label.uid, .label = label.name, .score = score, .probability = std::nullopt};
  }

  // The tags of one row of matches.
  std::vector<Tag> tags_of(const LabelMatches& matches, int64_t row) const {
    const int64_t k = matches.labels.size(1);
    const int64_t* numbers = matches.labels.const_data_ptr<int64_t>() + row * k;
    const float* scores = matches.scores.const_data_ptr<float>() + row * k;
    std::vector<Tag> tags;
    for (int64_t r = 0; r < k && numbers[r] >= 0; ++r) tags.push_back(make_tag(numbers[r], scores[r]));
    return tags;
  }

  int64_t tags_wanted(const TagOptions& options) const {
    if (options.k < 0) throw std::invalid_argument("`k` must be at least 1, or 0 for the tagger's own, but is " + std::to_string(options.k) + " instead.");
    const int64_t k = options.k == 0 ? rule.k : options.k;
    return std::min(k, std::max<int64_t>(labels.size(), 1));
  }
};

Tagger::Tagger(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

Tagger::Tagger(Encoder encoder, LabelSet labels, LabelIndex index, TaggerSettings settings, DecisionRule rule) {
  check_fits(encoder, labels, index);
  impl_ = std::make_shared<Impl>(Impl{std::move(encoder), std::move(labels), std::move(index), std::move(settings), rule});
}

Tagger Tagger::from_labels(Encoder encoder, LabelSet labels, TaggerSettings settings, DecisionRule rule, const EventCallback& on_event, std::stop_token stop) {
  std::vector<std::string_view> names;
  for (const Label& label : labels.labels()) names.push_back(label.name);
  const LabelIndex index = LabelIndex::build(encoder.encode(names, encode_options(settings.label_length, settings.label_prompt), on_event, std::move(stop)));
  return Tagger(std::move(encoder), std::move(labels), index, std::move(settings), rule);
}

Tagger Tagger::load(const fs::path& folder, const TaggerOptions& options) {
  const fs::path file = folder / "lmtx" / "settings.json";
  if (!fs::exists(file)) throw std::runtime_error(folder.string() + ": no tagger, since lmtx/settings.json is not there.");
  const Json json = detail::read_json(file);
  check_format(json, file.string());
  TaggerSettings settings = settings_from_json(json, file.string());
  const DecisionRule rule = rule_from_json(json, file.string());
  Encoder encoder = Encoder::load(folder, {.device = options.device});
  try {
    return Tagger(std::move(encoder), LabelSet::open(folder / "lmtx" / "labels.jsonl"), LabelIndex::load(folder / "lmtx" / "index"), std::move(settings), rule);
  } catch (const std::invalid_argument& error) {
    throw std::runtime_error(folder.string() + ": damaged tagger: " + error.what());
  }
}

void Tagger::save(const fs::path& folder, const std::string& provenance) const {
  const Json origin = detail::parse_json(provenance, "provenance");
  detail::write_folder_atomically(folder, [&](const fs::path& target) {
    impl_->encoder.save(target, impl_->settings.search_length, /*normalize=*/true);
    const fs::path own = target / "lmtx";
    fs::create_directories(own);
    detail::write_json(own / "settings.json", to_json(impl_->settings, impl_->rule));
    detail::write_json(own / "provenance.json", origin);
    impl_->labels.save(own / "labels.jsonl");
    impl_->index.save(own / "index");
  });
}

std::vector<Tag> Tagger::tag(std::string_view text, const TagOptions& options) const { return tag(std::span(&text, 1), options).front(); }

std::vector<std::vector<Tag>> Tagger::tag(std::span<const std::string_view> texts, const TagOptions& options, const EventCallback& on_event,
                                          std::stop_token stop) const {
  const int64_t k = impl_->tags_wanted(options);
  const EncodeOptions encoding = encode_options(impl_->settings.search_length, impl_->settings.document_prompt);
  std::vector<std::vector<Tag>> tags;
  for (size_t first = 0; first < texts.size(); first += block_texts) {
    const auto block = texts.subspan(first, std::min(block_texts, texts.size() - first));
    const at::Tensor vectors = impl_->encoder.encode(block, encoding, shifted(on_event, static_cast<int64_t>(first), static_cast<int64_t>(texts.size())), stop);
    const LabelMatches matches = impl_->index.search(vectors, k, {}, {}, stop);
    for (size_t i = 0; i < block.size(); ++i) tags.push_back(impl_->tags_of(matches, static_cast<int64_t>(i)));
  }
  return tags;
}

std::vector<std::vector<Tag>> Tagger::tag(std::span<const Document> documents, const TagOptions& options, const EventCallback& on_event, std::stop_token stop) const {
  std::vector<std::string> texts;
  for (const Document& document : documents) texts.push_back(document_text(document));
  return tag(std::vector<std::string_view>(texts.begin(), texts.end()), options, on_event, std::move(stop));
}

const LabelSet& Tagger::labels() const { return impl_->labels; }
const Encoder& Tagger::encoder() const { return impl_->encoder; }
const LabelIndex& Tagger::index() const { return impl_->index; }
const TaggerSettings& Tagger::settings() const { return impl_->settings; }
const DecisionRule& Tagger::rule() const { return impl_->rule; }

}  // namespace lmtx
