// What is put before texts, as methods of the encoder take it.
#pragma once

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

}  // namespace lmtx::python
