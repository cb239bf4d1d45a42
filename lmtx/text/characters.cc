#include "lmtx/text/characters.h"

#include <utf8proc.h>

#include <algorithm>
#include <iterator>
#include <optional>

#include "lmtx/text/unicode_differences.h"

namespace lmtx::detail {

namespace {

constexpr char32_t num_code_points = 0x110000;
// From here on nothing decomposes, combines or has case.
constexpr char32_t end_of_mappings = 0x30000;

// The row that holds `c`; rows are sorted.
template <typename Row, size_t n>
const Row* find_row(const Row (&rows)[n], char32_t c) {
  const Row* row = std::lower_bound(std::begin(rows), std::end(rows), c, [](const Row& r, char32_t value) { return r.last < value; });
  return row != std::end(rows) && row->first <= c ? row : nullptr;
}

bool is_ideograph(char32_t c) {
  static constexpr char32_t blocks[][2] = {{0x3400, 0x4dbf},   {0x4e00, 0x9fff},   {0xf900, 0xfaff},  {0x20000, 0x2a6df},
                                           {0x2a700, 0x2b81f}, {0x2b920, 0x2ceaf}, {0x2f800, 0x2fa1f}};
  return std::any_of(std::begin(blocks), std::end(blocks), [c](const char32_t(&block)[2]) { return block[0] <= c && c <= block[1]; });
}

bool is_space(char32_t c, utf8proc_category_t category) {
  const bool separator = category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP;
  return separator || (c >= 9 && c <= 13) || c == 0x85;
}

bool is_dropped(char32_t c, utf8proc_category_t category) {
  const bool control = category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_CF || category == UTF8PROC_CATEGORY_CO;
  return (control && c != '\t' && c != '\n' && c != '\r') || c == 0xfffd;
}

bool is_punctuation(char32_t c, utf8proc_category_t category) {
  const bool symbol = category >= UTF8PROC_CATEGORY_SM && category <= UTF8PROC_CATEGORY_SO;
  return (category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO) || (c < 0x80 && symbol);
}

bool is_word(char32_t c, utf8proc_category_t category) {
  const bool letter_or_mark = category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_ME;
  const bool joiner = c == 0x200c || c == 0x200d;
  return letter_or_mark || category == UTF8PROC_CATEGORY_ND || category == UTF8PROC_CATEGORY_NL || category == UTF8PROC_CATEGORY_PC || joiner;
}

// By category alone, as utf8proc has it.
uint8_t category_flags(char32_t c) {
  const utf8proc_category_t category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  uint8_t flags = 0;
  if (is_dropped(c, category)) flags |= character::dropped;
  if (is_space(c, category)) flags |= character::space;
  if (is_punctuation(c, category)) flags |= character::punctuation;
  if (category == UTF8PROC_CATEGORY_MN) flags |= character::mark;
  if (is_word(c, category)) flags |= character::word;
  if (is_ideograph(c)) flags |= character::ideograph;
  return flags;
}

template <size_t n>
void apply(const Difference (&differences)[n], uint8_t flag, std::vector<uint8_t>& flags) {
  for (const Difference& row : differences) {
    for (char32_t c = row.first; c <= row.last; ++c) flags[c] = row.value ? flags[c] | flag : flags[c] & ~flag;
  }
}

}  // namespace

const Characters& Characters::get() {
  static const Characters characters;
  return characters;
}

Characters::Characters() : flags_(num_code_points) {
  for (char32_t c = 0; c < num_code_points; ++c) flags_[c] = category_flags(c);
  apply(dropped_differences, character::dropped, flags_);
  apply(punctuation_differences, character::punctuation, flags_);
  apply(mark_differences, character::mark, flags_);
  apply(word_differences, character::word, flags_);
  for (char32_t c = 0; c < end_of_mappings; ++c) {
    char32_t parts[8];
    char32_t lowered[2];
    if (combining_class(c) != 0 || decompose(c, parts).front() != c) flags_[c] |= character::decomposes;
    if (lower(c, lowered).front() != c) flags_[c] |= character::changes_case;
  }
}

std::span<const char32_t> Characters::decompose(char32_t c, char32_t (&buffer)[8]) const {
  buffer[0] = c;
  if (find_row(decomposition_differences, c)) return {buffer, 1};
  utf8proc_int32_t parts[8];
  int boundary_class = UTF8PROC_BOUNDCLASS_START;
  const auto length = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c), parts, 8, UTF8PROC_DECOMPOSE, &boundary_class);
  if (length < 1 || length > 8) return {buffer, 1};
  std::copy_n(parts, length, buffer);
  return {buffer, static_cast<size_t>(length)};
}

int Characters::combining_class(char32_t c) const {
  const Difference* row = find_row(combining_class_differences, c);
  return row ? row->value : utf8proc_get_property(static_cast<utf8proc_int32_t>(c))->combining_class;
}

std::span<const char32_t> Characters::lower(char32_t c, char32_t (&buffer)[2]) const {
  const LowerCase* row = find_row(lower_case_differences, c);
  buffer[0] = row ? row->to + (c - row->first) : static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c)));
  buffer[1] = row ? row->then : 0;
  return {buffer, buffer[1] ? 2u : 1u};
}

}  // namespace lmtx::detail
