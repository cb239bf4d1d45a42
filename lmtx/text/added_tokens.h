// Tokens that are found in the text as they stand, before it is split into words: [SEP], [MASK], whatever was added to a vocabulary.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lmtx/text/byte_trie.h"

namespace lmtx::detail {

struct AddedToken {
  std::string content;
  int32_t id = -1;
  // Matches only where no letter, digit, mark or underscore is beside it.
  bool single_word = false;
  // Takes the white space before and after it along.
  bool lstrip = false;
  bool rstrip = false;
  // Looked for, itself normalized, in normalized text.
  bool normalized = false;
};

// The size of a vocabulary with these tokens: all ids are below it.
int64_t size_with(int64_t vocabulary_size, const std::vector<AddedToken>& added_tokens);

// Splits texts at added tokens, as Hugging Face's `tokenizers` does: leftmost first, the longest there.
class AddedTokens {
 public:
  explicit AddedTokens(std::vector<AddedToken> tokens);

  bool empty() const { return tokens_.empty(); }

  // Calls `on_text(part)` and `on_token(id)` in order, until one of them returns false.
  template <typename OnText, typename OnToken>
  void split(std::string_view text, OnText&& on_text, OnToken&& on_token) const {
    size_t covered = 0;
    size_t searched = 0;
    for (Found found = find(text, searched); found.token; found = find(text, searched)) {
      searched = found.end;
      if (!widen(text, covered, found)) continue;
      if (covered < found.begin && !on_text(text.substr(covered, found.begin - covered))) return;
      if (!on_token(found.token->id)) return;
      covered = found.end;
    }
    if (covered < text.size()) on_text(text.substr(covered));
  }

 private:
  struct Found {
    const AddedToken* token = nullptr;
    size_t begin = 0;
    size_t end = 0;
  };

  Found find(std::string_view text, size_t from) const;
  // Takes in white space where the token wants it. False if the token must stand alone and does not.
  static bool widen(std::string_view text, size_t covered, Found& found);

  std::vector<AddedToken> tokens_;
  ByteTrie trie_;  // to places in tokens_
  std::array<bool, 256> is_first_byte_{};
};

}  // namespace lmtx::detail
