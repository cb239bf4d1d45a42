#include "lmtx/train/embedding.h"

#include "lmtx/train/computing.h"

namespace lmtx {

EmbeddingOptions resolve_embedding(const TrainerOptions& options, const Lengths& lengths, const TextPrompts& prompts, const Encoder& encoder) {
  const Computing computing = resolve_computing(options, encoder.model());
  return {.search_length = lengths.search,
          .suffix_size = static_cast<int64_t>(encoder.tokenizer().suffix().size()),
          .token_budget = computing.search_token_budget,
          .dtype = computing.dtype,
          .prompts = prompts};
}

EncodeOptions embedding_options(const EmbeddingOptions& options, const std::string& prompt) {
  EncodeOptions encode;
  encode.prompt = prompt;
  encode.normalize = true;
  encode.token_budget = options.token_budget;
  encode.dtype = options.dtype;
  return encode;
}

void append_sequence(RaggedTokens& tokens, std::span<const int32_t> sequence) {
  tokens.ids.insert(tokens.ids.end(), sequence.begin(), sequence.end());
  tokens.offsets.push_back(static_cast<int64_t>(tokens.ids.size()));
}

RaggedTokens cut_documents(const TokenFile& file, std::span<const int64_t> numbers, const EmbeddingOptions& options) {
  RaggedTokens tokens;
  for (int64_t number : numbers) append_sequence(tokens, cut_tokens(file[number], options.search_length, options.suffix_size));
  return tokens;
}

EventCallback detail::within(const EventCallback& on_event, int64_t before, int64_t total) {
  if (!on_event) return {};
  return [&on_event, before, total](const Event& event) {
    Event overall = event;
    overall.done += before;
    overall.total = total;
    on_event(overall);
  };
}

}  // namespace lmtx
