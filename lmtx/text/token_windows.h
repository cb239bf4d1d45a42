// Tokens of texts that are read one after the other, in windows small enough for any memory. Internal: no public header includes it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "lmtx/export.h"
#include "lmtx/text/tokenizer.h"

namespace lmtx::detail {

// Puts the next text into its argument; false at the end.
using NextText = std::function<bool(std::string&)>;

struct TokenWindowOptions {
  // Put before each text.
  std::string prompt = {};
  // Tokens a text, special tokens included.
  int64_t max_length = 512;
  // Tokens a window; a text counts as 16 at least. A text that alone has more is a window.
  int64_t window_tokens = 1 << 17;
  // That tokenize, as Tokenizer::encode has it.
  int64_t max_threads = 0;
};

// Where a window ends depends on nothing but the texts, the place where it began, and the options above. Belongs to one thread.
class LMTX_API TokenWindows {
 public:
  TokenWindows(NextText next_text, Tokenizer tokenizer, TokenWindowOptions options);

  // Passes over so many texts, fewer where there are no more. Before the first window only.
  void skip(int64_t num_texts, const std::stop_token& stop);
  // The next texts' tokens; none at the end. Throws what the reading of a text throws, lmtx::Stopped on request, and std::invalid_argument for a text that has no tokens.
  std::optional<RaggedTokens> next(const std::stop_token& stop);

 private:
  // The next texts, tokenized; false at the end.
  bool read_block(const std::stop_token& stop);

  const NextText next_text_;
  const Tokenizer tokenizer_;
  const TokenWindowOptions options_;
  // Read, and not yet handed out from `position_` on.
  RaggedTokens block_;
  int64_t position_ = 0;
  // Texts before the block.
  int64_t num_before_ = 0;
  std::vector<std::string> texts_;
};

}  // namespace lmtx::detail
