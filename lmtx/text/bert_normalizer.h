// BERT's normalization: drop control characters, set ideographs apart, strip accents, lower-case; one code point after the other.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

#include "lmtx/text/characters.h"
#include "lmtx/text/utf8.h"

namespace lmtx::detail {

struct BertNormalizerOptions {
  // Remove control characters, and make every white space a plain one.
  bool clean_text = true;
  // Put spaces around ideographs.
  bool handle_chinese_chars = true;
  bool strip_accents = true;
  bool lowercase = true;
  // Put the text in lower case before anything else: a Lowercase normalizer in front.
  bool lowercase_first = false;
};

// Keeps scratch space: one per thread.
class BertNormalizer {
 public:
  explicit BertNormalizer(const BertNormalizerOptions& options) : options_(options) {}

  // Calls `sink(code point)` for all of the normalized text, or until it returns false.
  template <typename Sink>
  void normalize(std::string_view text, Sink&& sink) {
    marks_.clear();
    bool more = true;
    for (size_t pos = 0; more && pos < text.size();) {
      const DecodedCharacter decoded = decode_utf8(text, pos);
      pos += decoded.length;
      more = begin(decoded.code_point, sink);
    }
    if (more) give_marks(sink);
  }

 private:
  // A combining character that waits for its place in canonical order.
  struct Mark {
    int combining_class;
    char32_t code_point;
  };

  template <typename Sink>
  bool begin(char32_t c, Sink& sink) {
    if (!options_.lowercase_first) return clean(c, sink);
    return lower(c, [&](char32_t l) { return clean(l, sink); });
  }

  template <typename Sink>
  bool clean(char32_t c, Sink& sink) {
    const uint8_t flags = characters_.flags(c);
    if (options_.clean_text && (flags & character::dropped)) return true;
    if (options_.clean_text && (flags & character::space)) return strip(' ', sink);
    if (options_.handle_chinese_chars && (flags & character::ideograph)) return strip(' ', sink) && strip(c, sink) && strip(' ', sink);
    return strip(c, sink);
  }

  template <typename Sink>
  bool strip(char32_t c, Sink& sink) {
    if (!options_.strip_accents) return end(c, sink);
    if (!(characters_.flags(c) & character::decomposes)) return place(c, 0, sink);
    char32_t buffer[8];
    for (char32_t part : characters_.decompose(c, buffer)) {
      if (!place(part, characters_.combining_class(part), sink)) return false;
    }
    return true;
  }

  // Combining characters are ordered by class up to the next starter (class 0), also where those that are no accents come between.
  template <typename Sink>
  bool place(char32_t c, int combining_class, Sink& sink) {
    const bool stripped = characters_.flags(c) & character::mark;
    if (combining_class == 0) return give_marks(sink) && (stripped || end(c, sink));
    if (!stripped) marks_.push_back({combining_class, c});
    return true;
  }

  template <typename Sink>
  bool give_marks(Sink& sink) {
    if (marks_.empty()) return true;
    std::stable_sort(marks_.begin(), marks_.end(), [](const Mark& a, const Mark& b) { return a.combining_class < b.combining_class; });
    const bool more = std::all_of(marks_.begin(), marks_.end(), [&](const Mark& mark) { return end(mark.code_point, sink); });
    marks_.clear();
    return more;
  }

  template <typename Sink>
  bool end(char32_t c, Sink& sink) {
    return options_.lowercase ? lower(c, sink) : sink(c);
  }

  template <typename Sink>
  bool lower(char32_t c, Sink&& sink) const {
    if (!(characters_.flags(c) & character::changes_case)) return sink(c);
    char32_t buffer[2];
    const auto lowered = characters_.lower(c, buffer);
    return std::all_of(lowered.begin(), lowered.end(), [&](char32_t l) { return sink(l); });
  }

  BertNormalizerOptions options_;
  const Characters& characters_ = Characters::get();
  std::vector<Mark> marks_;
};

}  // namespace lmtx::detail
