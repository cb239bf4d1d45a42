// What is put before documents and labels, in training, search and tagging alike.
#pragma once

#include <cstdint>
#include <string>

#include "lmtx/encoder.h"
#include "lmtx/export.h"

namespace lmtx::detail {

// Throws std::invalid_argument where `prompt`, called `name`, is no UTF-8 or leaves no room for a text in `length` tokens, special tokens included.
LMTX_API void check_prompt(const char* name, const std::string& prompt, int64_t length, const Encoder& encoder);

// The encoder with these prompts as its own, so that whoever opens its saved folder embeds documents as they are embedded here (and labels by the prompt
// name "label"). The same where nothing is put before either.
LMTX_API Encoder with_tagging_prompts(const Encoder& encoder, const std::string& document_prompt, const std::string& label_prompt);

}  // namespace lmtx::detail
