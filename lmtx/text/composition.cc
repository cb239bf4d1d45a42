#include "lmtx/text/composition.h"

#include <utf8proc.h>

#include <algorithm>
#include <map>
#include <span>

#include "lmtx/text/characters.h"

namespace lmtx::detail {

namespace {

constexpr char32_t end_of_mappings = 0x30000;

// Syllables of Hangul are composed by arithmetic (The Unicode Standard, 3.12).
constexpr char32_t first_l = 0x1100;
constexpr char32_t num_l = 19;
constexpr char32_t first_v = 0x1161;
constexpr char32_t num_v = 21;
constexpr char32_t before_t = 0x11a7;
constexpr char32_t num_t = 28;
constexpr char32_t first_syllable = 0xac00;
constexpr char32_t num_syllables = num_l * num_v * num_t;

bool is_in(char32_t c, char32_t first, char32_t count) { return c >= first && c - first < count; }

char32_t compose_hangul(char32_t first, char32_t second) {
  if (is_in(first, first_l, num_l) && is_in(second, first_v, num_v)) return first_syllable + ((first - first_l) * num_v + (second - first_v)) * num_t;
  const bool without_end = is_in(first, first_syllable, num_syllables) && (first - first_syllable) % num_t == 0;
  if (without_end && is_in(second, before_t + 1, num_t - 1)) return first + (second - before_t);
  return 0;
}

// Whether utf8proc makes `c` of its decomposition again.
bool composes(char32_t c, std::span<const char32_t> parts) {
  utf8proc_int32_t buffer[8];
  std::copy(parts.begin(), parts.end(), buffer);
  const auto length =
      utf8proc_normalize_utf32(buffer, static_cast<utf8proc_ssize_t>(parts.size()), static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_STABLE));
  return length == 1 && static_cast<char32_t>(buffer[0]) == c;
}

uint64_t pair(char32_t first, char32_t second) { return static_cast<uint64_t>(first) << 32 | second; }

}  // namespace

const Composition& Composition::get() {
  static const Composition composition;
  return composition;
}

Composition::Composition() : active_(end_of_mappings / 8) {
  const Characters& characters = Characters::get();
  const auto activate = [this](char32_t c) { active_[c >> 3] |= static_cast<uint8_t>(1 << (c & 7)); };
  // By length, since a composite's beginning is a shorter composite.
  std::map<std::vector<char32_t>, char32_t> composites;
  for (char32_t c = 0; c < end_of_mappings; ++c) {
    if (!(characters.flags(c) & character::decomposes) || is_in(c, first_syllable, num_syllables)) continue;
    char32_t buffer[8];
    const auto parts = characters.decompose(c, buffer);
    const bool is_composite = parts.size() > 1 && composes(c, parts);
    if (is_composite) composites[{parts.begin(), parts.end()}] = c;
    if (!is_composite) activate(c);  // It changes, or it may change its place.
  }
  for (const auto& [parts, composite] : composites) {
    const std::vector<char32_t> beginning(parts.begin(), parts.end() - 1);
    const char32_t first = beginning.size() == 1 ? beginning[0] : composites.at(beginning);
    pairs_[pair(first, parts.back())] = composite;
    activate(parts.back());
  }
  for (char32_t c = first_v; c < before_t + num_t; ++c) activate(c);
}

char32_t Composition::compose(char32_t first, char32_t second) const {
  if (const char32_t syllable = compose_hangul(first, second)) return syllable;
  const auto entry = pairs_.find(pair(first, second));
  return entry == pairs_.end() ? 0 : entry->second;
}

}  // namespace lmtx::detail
