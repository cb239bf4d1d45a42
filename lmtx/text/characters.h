// What Hugging Face's `tokenizers` knows of each code point: utf8proc's answers, corrected by unicode_differences.h.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lmtx/export.h"

namespace lmtx::detail {

// Properties of a code point, as bits.
namespace character {
inline constexpr uint8_t dropped = 1;       // control, format, private use, U+FFFD: removed where text is cleaned
inline constexpr uint8_t space = 2;         // white space
inline constexpr uint8_t punctuation = 4;   // split off as a word of its own
inline constexpr uint8_t ideograph = 8;     // of the blocks that BERT calls Chinese: set apart by spaces
inline constexpr uint8_t mark = 16;         // non-spacing: removed with accents
inline constexpr uint8_t decomposes = 32;   // NFD decomposes it or may change its place
inline constexpr uint8_t changes_case = 64; // lower() gives something else
inline constexpr uint8_t word = 128;        // \w: an added token that must stand alone does not match beside it
}  // namespace character

class LMTX_API Characters {
 public:
  // The one table, 1.1 MB, made on first use.
  static const Characters& get();

  // Of any code point up to U+10FFFF.
  uint8_t flags(char32_t c) const { return flags_[c]; }

  // Canonical, recursive, not yet ordered; at most 8 code points in `buffer`.
  std::span<const char32_t> decompose(char32_t c, char32_t (&buffer)[8]) const;
  int combining_class(char32_t c) const;
  // Without regard to what is around it; at most 2 code points in `buffer`.
  std::span<const char32_t> lower(char32_t c, char32_t (&buffer)[2]) const;

 private:
  Characters();

  std::vector<uint8_t> flags_;
};

}  // namespace lmtx::detail
