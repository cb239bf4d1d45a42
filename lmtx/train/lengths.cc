#include "lmtx/train/lengths.h"

#include <algorithm>
#include <string_view>
#include <vector>

namespace lmtx {

namespace {

// The published settings: 15 tokens, or 64 where that would cut more than 5 % of the names.
constexpr int64_t short_label = 15, long_label = 64;

int64_t automatic_label_length(const Tokenizer& tokenizer, const LabelSet& labels) {
  std::vector<std::string_view> names;
  for (const Label& label : labels.labels()) names.push_back(label.name);
  const RaggedTokens tokens = tokenizer.encode(names, short_label + 1);
  int64_t longer = 0;
  for (int64_t i = 0; i < tokens.size(); ++i) longer += static_cast<int64_t>(tokens[i].size()) > short_label;
  return 20 * longer > labels.size() ? long_label : short_label;
}

}  // namespace

Lengths resolve_lengths(const TrainerOptions& options, const Encoder& encoder, const LabelSet& labels) {
  const int64_t most = encoder.max_positions();
  return {.document = std::min(options.document_length, most),
          .search = std::min(options.search_length > 0 ? options.search_length : std::min<int64_t>(430, options.document_length), most),
          .label = std::min(options.label_length > 0 ? options.label_length : automatic_label_length(encoder.tokenizer(), labels), most)};
}

}  // namespace lmtx
