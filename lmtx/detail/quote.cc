#include "lmtx/detail/quote.h"

#include <algorithm>
#include <cstdint>

namespace lmtx::detail {

namespace {

// Bytes of the UTF-8 sequence that `text` starts with, by table 3-7 of the Unicode standard; 0 where it starts with none.
size_t sequence_length(std::string_view text) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<uint8_t>(text[i]) : uint8_t{0}; };
  const auto continues = [&](size_t i, uint8_t low = 0x80, uint8_t high = 0xbf) { return byte(i) >= low && byte(i) <= high; };
  const uint8_t first = byte(0);
  if (first < 0x80) return text.empty() ? 0 : 1;
  if (first >= 0xc2 && first <= 0xdf) return continues(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const bool second = continues(1, first == 0xe0 ? 0xa0 : 0x80, first == 0xed ? 0x9f : 0xbf);
    return second && continues(2) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const bool second = continues(1, first == 0xf0 ? 0x90 : 0x80, first == 0xf4 ? 0x8f : 0xbf);
    return second && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

std::string one_line(std::string_view text, size_t max_bytes) {
  std::string line;
  while (!text.empty()) {
    const size_t length = sequence_length(text);
    if (line.size() + std::max<size_t>(length, 1) > max_bytes) return line + "…";
    const bool printable = length > 1 || (length == 1 && text[0] >= 0x20 && text[0] != 0x7f);
    line += printable ? text.substr(0, length) : "?";
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return line;
}

std::string quote(std::string_view text, size_t max_bytes) { return std::string("`").append(one_line(text, max_bytes)).append("`"); }

size_t find_invalid_utf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    if (static_cast<uint8_t>(text[i]) < 0x80) {
      ++i;
      continue;
    }
    const size_t length = sequence_length(text.substr(i));
    if (length == 0) return i;
    i += length;
  }
  return std::string_view::npos;
}

}  // namespace lmtx::detail
