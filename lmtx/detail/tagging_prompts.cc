#include "lmtx/detail/tagging_prompts.h"

#include <limits>
#include <span>
#include <stdexcept>
#include <string_view>

#include "lmtx/detail/quote.h"
#include "lmtx/text/tokenizer.h"

namespace lmtx::detail {

void check_prompt(const char* name, const std::string& prompt, int64_t length, const Encoder& encoder) {
  const std::string quoted_name = quote(name);
  if (find_invalid_utf8(prompt) != std::string::npos) throw std::invalid_argument(quoted_name + " must be UTF-8, but is " + quote(prompt) + " instead.");
  if (prompt.empty()) return;
  const std::string_view text = prompt;
  const auto tokens = static_cast<int64_t>(encoder.tokenizer().encode(std::span(&text, 1), std::numeric_limits<int64_t>::max()).ids.size());
  if (tokens < length) return;
  throw std::invalid_argument(quoted_name + " must leave room for a text in " + std::to_string(length) + " tokens, but takes " + std::to_string(tokens) +
                              " itself, special tokens included.");
}

Encoder with_tagging_prompts(const Encoder& encoder, const std::string& document_prompt, const std::string& label_prompt) {
  if (document_prompt.empty() && label_prompt.empty() && encoder.default_prompt().empty()) return encoder;
  return encoder.with_prompts({{"document", document_prompt}, {"label", label_prompt}}, "document");
}

}  // namespace lmtx::detail
