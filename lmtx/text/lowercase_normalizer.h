// Lower case, code point by code point.
#pragma once

#include <algorithm>

#include "lmtx/text/characters.h"
#include "lmtx/text/text_normalizer.h"
#include "lmtx/text/utf8.h"

namespace lmtx::detail {

class LowercaseNormalizer : public TextNormalizer {
 public:
  bool keeps(std::string_view text) const override {
    return std::all_of(text.begin(), text.end(), [](char byte) { return static_cast<unsigned char>(byte) < 0x80 && !(byte >= 'A' && byte <= 'Z'); });
  }

  void append(std::string_view text, std::string& normalized) const override {
    for (size_t pos = 0; pos < text.size();) {
      const DecodedCharacter decoded = decode_utf8(text, pos);
      char32_t buffer[2];
      for (char32_t c : characters_.lower(decoded.code_point, buffer)) append_utf8(c, normalized);
      pos += decoded.length;
    }
  }

 private:
  const Characters& characters_ = Characters::get();
};

}  // namespace lmtx::detail
