// SentencePiece's normalization: a map of characters and sequences of them, as a .model or tokenizer.json ("Precompiled") carries it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lmtx/text/graphemes.h"
#include "lmtx/text/text_normalizer.h"

namespace lmtx::detail {

// It is applied as Hugging Face's `tokenizers` does it, not as SentencePiece: a grapheme of at most 5 bytes is looked up as a whole, where what matches is
// its shortest beginning that is in the map, and the rest of the grapheme is lost; others are looked up by their characters.
class CharsmapNormalizer : public TextNormalizer {
 public:
  // Bytes; the longest of Unicode's own has 33.
  static constexpr size_t max_replacement = 256;

  // `charsmap`: the size of a double array in bytes (32 bits, little-endian), the double array, replacements that end with a zero byte each.
  // Throws std::invalid_argument if it is not that, or a replacement is longer than max_replacement.
  explicit CharsmapNormalizer(std::string_view charsmap);

  bool keeps(std::string_view text) const override;
  void append(std::string_view text, std::string& normalized) const override;

 private:
  // What replaces the shortest beginning of `text` that is in the map.
  std::optional<std::string_view> find(std::string_view text) const;
  void append_grapheme(std::string_view grapheme, std::string& normalized) const;
  std::string_view replacement(size_t place) const;

  std::vector<uint32_t> units_;
  std::string replacements_;
  // Of one byte: what ASCII becomes.
  std::array<std::string, 128> ascii_;
  std::array<bool, 256> stays_{};
  const Graphemes& graphemes_ = Graphemes::get();
};

}  // namespace lmtx::detail
