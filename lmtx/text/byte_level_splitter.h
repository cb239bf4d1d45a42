// How GPT-2 cuts texts into words: a word with the space before it, numbers, punctuation and white space apart.
#pragma once

#include <string>
#include <string_view>

#include "lmtx/text/pre_tokenizer.h"

namespace lmtx::detail {

struct ByteLevelOptions {
  // Put a space before a text that has none.
  bool add_prefix_space = true;
  // Cut the text at all.
  bool use_regex = true;
};

// The pattern is 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
class ByteLevelSplitter : public PreTokenizer {
 public:
  explicit ByteLevelSplitter(const ByteLevelOptions& options) : options_(options) {}
  void split(std::string_view text, std::string& buffer, WordSink& sink) const override;

 private:
  ByteLevelOptions options_;
};

}  // namespace lmtx::detail
