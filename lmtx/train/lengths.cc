#include "lmtx/train/lengths.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "lmtx/detail/tagging_prompts.h"

namespace lmtx {

namespace {

// The published settings: 15 tokens, or 64 where that would cut more than 5 % of the names.
constexpr int64_t short_label = 15, long_label = 64;

int64_t automatic_label_length(const Tokenizer& tokenizer, const std::string& prompt, const LabelSet& labels) {
  std::vector<std::string> names;
  for (const Label& label : labels) names.push_back(prompt + label.name);
  const RaggedTokens tokens = tokenizer.encode(std::vector<std::string_view>(names.begin(), names.end()), short_label + 1);
  int64_t longer = 0;
  for (int64_t i = 0; i < tokens.size(); ++i) longer += static_cast<int64_t>(tokens[i].size()) > short_label;
  return 20 * longer > labels.size() ? long_label : short_label;
}

std::string resolve_prompt(const std::string& option, const Encoder& encoder) { return option == "default" ? encoder.default_prompt() : option; }

}  // namespace

TextPrompts resolve_prompts(const TrainerOptions& options, const Encoder& encoder) {
  return {.document = resolve_prompt(options.document_prompt, encoder), .label = resolve_prompt(options.label_prompt, encoder)};
}

Lengths resolve_lengths(const TrainerOptions& options, const TextPrompts& prompts, const Encoder& encoder, const LabelSet& labels) {
  const int64_t most = encoder.max_positions();
  const Lengths lengths{.document = std::min(options.document_length, most),
          .search = std::min(options.search_length > 0 ? options.search_length : std::min<int64_t>(430, options.document_length), most),
          .label = std::min(options.label_length > 0 ? options.label_length : automatic_label_length(encoder.tokenizer(), prompts.label, labels), most)};
  detail::check_prompt("document_prompt", prompts.document, std::min(lengths.document, lengths.search), encoder);
  detail::check_prompt("label_prompt", prompts.label, lengths.label, encoder);
  return lengths;
}

}  // namespace lmtx
