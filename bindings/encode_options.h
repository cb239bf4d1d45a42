// How texts become vectors, as methods of the encoder take it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "lmtx/encoder.h"
#include "text.h"

namespace lmtx::python {

// Unset where neither is given. Throws ValueError where both are, and for a name that the encoder does not have.
inline std::optional<std::string> choose_prompt(const Encoder& encoder, const std::optional<Text>& prompt, const std::optional<Text>& prompt_name) {
  if (prompt && prompt_name) throw py::value_error("give `prompt` or `prompt_name`, not both.");
  if (prompt_name) return encoder.prompt(prompt_name->utf8);
  return prompt ? std::optional(prompt->utf8) : std::nullopt;
}

// Throws ValueError as choose_prompt() does, and for a `dtype` that there is not.
inline EncodeOptions make_encode_options(const Encoder& encoder, int64_t max_length, const std::optional<Text>& prompt, const std::optional<Text>& prompt_name,
                                         std::optional<bool> normalize, int64_t token_budget, const Text& dtype, bool deterministic) {
  return {.max_length = max_length,
          .prompt = choose_prompt(encoder, prompt, prompt_name),
          .normalize = normalize,
          .token_budget = token_budget,
          .dtype = parse_compute_dtype(dtype.utf8),
          .deterministic = deterministic};
}

}  // namespace lmtx::python
