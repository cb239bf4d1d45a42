#include "lmtx/text/nfc_normalizer.h"

#include <algorithm>
#include <vector>

#include "lmtx/text/utf8.h"

namespace lmtx::detail {

namespace {

// Below U+0300 nothing decomposes, combines or joins: of its code points the first bytes are lower.
constexpr unsigned char first_active_byte = 0xcc;

struct Part {
  char32_t code_point;
  int combining_class;
};

std::vector<Part> decompose(std::string_view text, const Characters& characters) {
  std::vector<Part> parts;
  for (size_t pos = 0; pos < text.size();) {
    const DecodedCharacter decoded = decode_utf8(text, pos);
    char32_t buffer[8];
    for (char32_t c : characters.decompose(decoded.code_point, buffer)) parts.push_back({c, characters.combining_class(c)});
    pos += decoded.length;
  }
  return parts;
}

// Combining characters by class, each stretch of them for itself.
void order(std::vector<Part>& parts) {
  const auto is_starter = [](const Part& part) { return part.combining_class == 0; };
  for (auto begin = parts.begin(); begin != parts.end();) {
    begin = std::find_if_not(begin, parts.end(), is_starter);
    const auto end = std::find_if(begin, parts.end(), is_starter);
    std::stable_sort(begin, end, [](const Part& a, const Part& b) { return a.combining_class < b.combining_class; });
    begin = end;
  }
}

// Joins each part with the last starter unless one of its class, or another starter, stands between.
void compose(std::vector<Part>& parts, const Composition& composition) {
  std::vector<Part> composed;
  size_t starter = 0;
  bool has_starter = false;
  int last_class = -1;  // of what stands behind the starter; -1: nothing
  for (const Part& part : parts) {
    const bool reaches = has_starter && (last_class < part.combining_class || last_class == -1);
    if (const char32_t c = reaches ? composition.compose(composed[starter].code_point, part.code_point) : 0) {
      composed[starter].code_point = c;
      continue;
    }
    if (part.combining_class == 0) {
      starter = composed.size();
      has_starter = true;
      last_class = -1;
    } else {
      last_class = part.combining_class;
    }
    composed.push_back(part);
  }
  parts = std::move(composed);
}

}  // namespace

bool NfcNormalizer::keeps(std::string_view text) const {
  return std::all_of(text.begin(), text.end(), [](char byte) { return static_cast<unsigned char>(byte) < first_active_byte; });
}

size_t NfcNormalizer::next_change(std::string_view text, size_t begin) const {
  for (size_t pos = begin; pos < text.size();) {
    if (static_cast<unsigned char>(text[pos]) < first_active_byte) {
      ++pos;
      continue;
    }
    const DecodedCharacter decoded = decode_utf8(text, pos);
    if (!composition_.is_boundary(decoded.code_point)) return pos;
    pos += decoded.length;
  }
  return text.size();
}

// What changes is a stretch from the boundary before an active character to the next boundary behind it.
void NfcNormalizer::append(std::string_view text, std::string& normalized) const {
  for (size_t begin = 0; begin < text.size();) {
    const size_t active = next_change(text, begin);
    if (active == text.size()) {
      normalized += text.substr(begin);
      return;
    }
    const size_t stretch = active == begin ? begin : active - decode_utf8_before(text, active).length;
    normalized += text.substr(begin, stretch - begin);
    size_t end = active;
    while (end < text.size()) {
      const DecodedCharacter decoded = decode_utf8(text, end);
      if (composition_.is_boundary(decoded.code_point)) break;
      end += decoded.length;
    }
    append_composed(text.substr(stretch, end - stretch), normalized);
    begin = end;
  }
}

void NfcNormalizer::append_composed(std::string_view stretch, std::string& normalized) const {
  std::vector<Part> parts = decompose(stretch, characters_);
  order(parts);
  compose(parts, composition_);
  for (const Part& part : parts) append_utf8(part.code_point, normalized);
}

}  // namespace lmtx::detail
