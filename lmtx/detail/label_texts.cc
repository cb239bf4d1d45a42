#include "lmtx/detail/label_texts.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace lmtx::detail {

std::vector<std::string> label_texts(const Label& label, const TaggerSettings& settings) {
  std::vector<std::string> texts{label.name};
  const auto add = [&](const std::string& text) {
    if (!text.empty() && std::find(texts.begin(), texts.end(), text) == texts.end()) texts.push_back(text);
  };
  if (settings.embed_other_names) {
    for (const std::string& name : label.other_names) add(name);
  }
  if (settings.embed_descriptions && !label.description.empty()) add(label.name + ": " + label.description);
  return texts;
}

LabelRows embed_labels(const Encoder& encoder, const LabelSet& labels, std::span<const int64_t> numbers, const TaggerSettings& settings, ComputeDtype dtype,
                       const EventCallback& on_event, std::stop_token stop) {
  std::vector<std::string> texts;
  LabelRows embedded;
  for (const int64_t number : numbers) {
    for (std::string& text : label_texts(labels[number], settings)) {
      texts.push_back(std::move(text));
      embedded.owners.push_back(number);
    }
  }
  const auto as_stage = [&](Event event) {
    event.stage = "embed labels";
    on_event(event);
  };
  EncodeOptions options{.max_length = settings.label_length, .prompt = *settings.label_prompt, .normalize = true};
  options.dtype = dtype;
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  embedded.rows = encoder.encode(views, options, on_event ? EventCallback(as_stage) : EventCallback(), std::move(stop));
  return embedded;
}

}  // namespace lmtx::detail
