#include "lmtx/text/charsmap_normalizer.h"

#include <algorithm>
#include <stdexcept>

#include "lmtx/detail/little_endian.h"
#include "lmtx/text/utf8.h"

namespace lmtx::detail {

namespace {

constexpr size_t longest_looked_up = 5;

// A unit of a double array as Darts-clone lays it out.
bool has_value(uint32_t unit) { return (unit >> 8 & 1) != 0; }
uint32_t value(uint32_t unit) { return unit & 0x7fffffff; }
uint32_t label(uint32_t unit) { return unit & 0x800000ff; }
uint32_t offset(uint32_t unit) { return (unit >> 10) << ((unit & (1u << 9)) >> 6); }

bool is_ascii(std::string_view text, size_t pos) { return pos >= text.size() || static_cast<unsigned char>(text[pos]) < 0x80; }

}  // namespace

CharsmapNormalizer::CharsmapNormalizer(std::string_view charsmap) {
  const size_t size = charsmap.size() < 4 ? 0 : little_endian(charsmap.substr(0, 4));
  if (size == 0 || size % 4 != 0 || size > charsmap.size() - 4) throw std::invalid_argument("the map of characters is broken");
  for (size_t i = 0; i < size; i += 4) units_.push_back(little_endian(charsmap.substr(4 + i, 4)));
  replacements_ = charsmap.substr(4 + size);
  for (size_t begin = 0; begin < replacements_.size();) {
    const size_t end = std::min(replacements_.find('\0', begin), replacements_.size());
    if (end - begin > max_replacement)
      throw std::invalid_argument("a replacement in the map of characters is longer than " + std::to_string(max_replacement) + " bytes");
    begin = end + 1;
  }
  for (char c = 0; c >= 0; ++c) {
    const std::string_view character(&c, 1);
    ascii_[static_cast<size_t>(c)] = find(character).value_or(character);
    stays_[static_cast<size_t>(c)] = ascii_[static_cast<size_t>(c)] == character;
    if (c == 127) break;
  }
}

bool CharsmapNormalizer::keeps(std::string_view text) const {
  return std::all_of(text.begin(), text.end(), [this](char byte) { return stays_[static_cast<unsigned char>(byte)]; });
}

std::string_view CharsmapNormalizer::replacement(size_t place) const {
  const std::string_view rest = place < replacements_.size() ? std::string_view(replacements_).substr(place) : std::string_view();
  return rest.substr(0, rest.find('\0'));
}

std::optional<std::string_view> CharsmapNormalizer::find(std::string_view text) const {
  size_t node = offset(units_[0]);
  for (unsigned char byte : text) {
    if (byte == 0) return std::nullopt;
    node ^= byte;
    if (node >= units_.size() || label(units_[node]) != byte) return std::nullopt;
    const uint32_t unit = units_[node];
    node ^= offset(unit);
    if (has_value(unit) && node < units_.size()) return replacement(value(units_[node]));
  }
  return std::nullopt;
}

void CharsmapNormalizer::append(std::string_view text, std::string& normalized) const {
  for (size_t pos = 0; pos < text.size();) {
    // ASCII before ASCII is a grapheme, with one exception.
    if (is_ascii(text, pos) && is_ascii(text, pos + 1) && text[pos] != '\r') {
      normalized += ascii_[static_cast<size_t>(text[pos])];
      ++pos;
      continue;
    }
    const size_t length = graphemes_.length(text, pos);
    append_grapheme(text.substr(pos, length), normalized);
    pos += length;
  }
}

void CharsmapNormalizer::append_grapheme(std::string_view grapheme, std::string& normalized) const {
  if (grapheme.size() <= longest_looked_up) {
    if (const auto found = find(grapheme)) {
      normalized += *found;
      return;
    }
  }
  for (size_t pos = 0; pos < grapheme.size();) {
    const std::string_view character = grapheme.substr(pos, decode_utf8(grapheme, pos).length);
    normalized += find(character).value_or(character);
    pos += character.size();
  }
}

}  // namespace lmtx::detail
