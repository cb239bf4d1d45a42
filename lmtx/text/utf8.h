// UTF-8, one code point at a time. Whatever is no UTF-8 reads as U+FFFD.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace lmtx::detail {

inline constexpr char32_t replacement_character = 0xfffd;

struct DecodedCharacter {
  char32_t code_point;
  size_t length;  // in bytes
};

inline bool is_continuation_byte(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; }

// The code point at `pos`, which must be inside the text. Invalid bytes read as Python's errors="replace" has them: one U+FFFD for each longest
// start of a sequence that could have gone on. An encoded surrogate (what Python's "surrogatepass" makes of a lone one) is a single U+FFFD, too.
inline DecodedCharacter decode_utf8(std::string_view text, size_t pos) {
  const unsigned char first = text[pos];
  if (first < 0x80) return {first, 1};
  const size_t length = first < 0xc2 || first > 0xf4 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (length == 1) return {replacement_character, 1};
  char32_t c = first & (0x7f >> length);
  size_t i = 1;
  for (; i < length && pos + i < text.size() && is_continuation_byte(text[pos + i]); ++i) {
    c = (c << 6) | (text[pos + i] & 0x3f);
    const bool overlong = i == 1 && ((first == 0xe0 && c < 0x20) || (first == 0xf0 && c < 0x10));
    const bool too_large = i == 1 && first == 0xf4 && c > 0x10f;
    if (overlong || too_large) return {replacement_character, 1};
  }
  const bool surrogate = first == 0xed && i > 1 && (text[pos + 1] & 0x20) != 0;
  if (surrogate) return {replacement_character, i == 3 ? 3u : 1u};
  return {i == length ? c : replacement_character, i};
}

// The code point that ends before `end` (> 0).
inline DecodedCharacter decode_utf8_before(std::string_view text, size_t end) {
  size_t begin = end - 1;
  while (begin > 0 && end - begin < 4 && is_continuation_byte(text[begin])) --begin;
  const DecodedCharacter decoded = decode_utf8(text.substr(0, end), begin);
  return decoded.length == end - begin ? decoded : DecodedCharacter{replacement_character, 1};
}

inline void append_utf8(char32_t c, std::string& out) {
  if (c < 0x80) {
    out += static_cast<char>(c);
    return;
  }
  const int continuations = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
  static constexpr unsigned char first[] = {0, 0xc0, 0xe0, 0xf0};
  out += static_cast<char>(first[continuations] | (c >> (6 * continuations)));
  for (int i = continuations - 1; i >= 0; --i) out += static_cast<char>(0x80 | ((c >> (6 * i)) & 0x3f));
}

// How many bytes from `begin` on are plain ASCII.
inline size_t ascii_length(std::string_view text, size_t begin) {
  size_t end = begin;
  for (uint64_t block; end + sizeof(block) <= text.size(); end += sizeof(block)) {
    std::memcpy(&block, text.data() + end, sizeof(block));
    if (block & 0x8080808080808080ull) break;
  }
  while (end < text.size() && static_cast<unsigned char>(text[end]) < 0x80) ++end;
  return end - begin;
}

// `text` with U+FFFD for what is no UTF-8: `text` itself if all of it is, else in `buffer`.
inline std::string_view valid_utf8(std::string_view text, std::string& buffer) {
  bool copied = false;
  for (size_t pos = ascii_length(text, 0); pos < text.size();) {
    const DecodedCharacter decoded = decode_utf8(text, pos);
    const bool valid = decoded.code_point != replacement_character || text.substr(pos, decoded.length) == "\uFFFD";
    if (!valid && !copied) {
      buffer.assign(text.substr(0, pos));
      copied = true;
    }
    if (copied) append_utf8(decoded.code_point, buffer);
    pos += decoded.length;
    if (const size_t plain = ascii_length(text, pos); plain > 0) {
      if (copied) buffer += text.substr(pos, plain);
      pos += plain;
    }
  }
  return copied ? std::string_view(buffer) : text;
}

}  // namespace lmtx::detail
