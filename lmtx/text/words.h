// The words of a text, as a search by words and counts of words take them. Internal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "lmtx/export.h"
#include "lmtx/text/characters.h"
#include "lmtx/text/utf8.h"

namespace lmtx::detail {

struct WordOptions {
  // Leave out Lucene's English stop words ("the", "of", ...).
  bool drop_stop_words = true;
  // Make English plurals singular, by their last letters: "policies" is "policy", "taxes" "tax" (after Harman 1991, the "S stemmer").
  bool stem_plurals = true;
};

// `word` is in lower case.
LMTX_API bool is_stop_word(std::string_view word);
LMTX_API void stem_plural(std::string& word);

// Runs of two and more word characters (letters, marks, digits, connectors such as "_"), in lower case; an ideograph is a word of its own.
// Keeps scratch space: one per thread.
class WordSplitter {
 public:
  explicit WordSplitter(const WordOptions& options = {}) : options_(options) {}

  // Calls `sink(std::string_view word)` for each word in order; the view holds until the next.
  template <typename Sink>
  void split(std::string_view text, Sink&& sink) {
    for (size_t pos = 0; pos < text.size();) {
      const DecodedCharacter decoded = decode_utf8(text, pos);
      pos += decoded.length;
      take(decoded.code_point, sink);
    }
    end(sink);
  }

 private:
  template <typename Sink>
  void take(char32_t c, Sink& sink) {
    const uint8_t flags = characters_.flags(c);
    if ((flags & character::ideograph) != 0) return take_alone(c, sink);
    if ((flags & character::word) == 0) return end(sink);
    ++length_;
    if ((flags & character::changes_case) == 0) return append_utf8(c, word_);
    char32_t buffer[2];
    for (char32_t lowered : characters_.lower(c, buffer)) append_utf8(lowered, word_);
  }

  template <typename Sink>
  void take_alone(char32_t c, Sink& sink) {
    end(sink);
    append_utf8(c, word_);
    sink(std::string_view(word_));
    word_.clear();
  }

  template <typename Sink>
  void end(Sink& sink) {
    if (length_ >= 2 && !(options_.drop_stop_words && is_stop_word(word_))) {
      if (options_.stem_plurals) stem_plural(word_);
      sink(std::string_view(word_));
    }
    word_.clear();
    length_ = 0;
  }

  WordOptions options_;
  const Characters& characters_ = Characters::get();
  std::string word_;
  // In code points.
  size_t length_ = 0;
};

}  // namespace lmtx::detail
