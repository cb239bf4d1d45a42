// How a run embeds its tokenized texts. Internal.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "lmtx/compute_dtype.h"
#include "lmtx/encoder.h"
#include "lmtx/event.h"
#include "lmtx/text/token_batch.h"
#include "lmtx/train/lengths.h"
#include "lmtx/train/token_file.h"

namespace lmtx {

struct EmbeddingOptions {
  // Tokens of a document, special tokens included.
  int64_t search_length = 256;
  // Special tokens at the end of a sequence.
  int64_t suffix_size = 1;
  // Tokens computed at once.
  int64_t token_budget = 4096;
  // Of the products in the network.
  ComputeDtype dtype = ComputeDtype::float32;
  // What the tokens of documents and labels begin with.
  TextPrompts prompts = {};
};

// Documents embedded together. Part of the result: vectors depend on what they are computed with by rounding.
inline constexpr int64_t documents_at_once = 4096;

// As a run embeds with this encoder. Throws as resolve_computing() does.
EmbeddingOptions resolve_embedding(const TrainerOptions& options, const Lengths& lengths, const TextPrompts& prompts, const Encoder& encoder);

// Of texts that begin with `prompt`; vectors have unit length.
EncodeOptions embedding_options(const EmbeddingOptions& options, const std::string& prompt);
void append_sequence(RaggedTokens& tokens, std::span<const int32_t> sequence);
// The documents with these numbers.
RaggedTokens cut_documents(const TokenFile& file, std::span<const int64_t> numbers, const EmbeddingOptions& options);

namespace detail {

// Reports the progress of a part as that of all.
EventCallback within(const EventCallback& on_event, int64_t before, int64_t total);

}  // namespace detail

}  // namespace lmtx
