#include "lmtx/text/graphemes.h"

#include <algorithm>

#include "lmtx/text/unicode_classes.h"
#include "lmtx/text/utf8.h"

namespace lmtx::detail {

struct Graphemes::State {
  explicit State(Kind first) : last(first), pictograph(first == Kind::pictograph), consonant(first == Kind::consonant) {}

  // Whether one of this kind goes on with the grapheme (rules GB3 to GB11 by their names in the annex).
  bool joins(Kind next) const {
    if (last == Kind::cr) return next == Kind::lf;                                                                         // GB3, GB4
    if (last == Kind::lf || last == Kind::control) return false;                                                           // GB4
    if (next == Kind::cr || next == Kind::lf || next == Kind::control) return false;                                       // GB5
    if (is_extend(next) || next == Kind::spacing || last == Kind::prepend) return true;                                    // GB9, GB9a, GB9b
    if (next == Kind::consonant && consonant && linked) return true;                                                       // GB9c
    if (next == Kind::pictograph && pictograph && last == Kind::joiner) return true;                                       // GB11
    if (last == Kind::hangul_l) return is_any(next, {Kind::hangul_l, Kind::hangul_v, Kind::hangul_lv, Kind::hangul_lvt});  // GB6
    if (last == Kind::hangul_v || last == Kind::hangul_lv) return next == Kind::hangul_v || next == Kind::hangul_t;        // GB7
    return (last == Kind::hangul_t || last == Kind::hangul_lvt) && next == Kind::hangul_t;                                 // GB8
  }

  void add(Kind next) {
    if (next == Kind::pictograph || next == Kind::consonant) {
      *this = State(next);
      return;
    }
    if (last == Kind::joiner || !is_extend(next)) pictograph = false;
    linked = linked || next == Kind::linker;
    if (!is_extend(next) || next == Kind::non_joiner) consonant = false;
    last = next;
  }

  static bool is_any(Kind kind, std::initializer_list<Kind> kinds) { return std::find(kinds.begin(), kinds.end(), kind) != kinds.end(); }
  static bool is_extend(Kind kind) { return is_any(kind, {Kind::extend, Kind::non_joiner, Kind::linker, Kind::joiner}); }

  Kind last;
  // A pictograph and what extends it: a joiner next would join another one.
  bool pictograph;
  // A consonant and what extends it, perhaps with a linker.
  bool consonant;
  bool linked = false;
};

const Graphemes& Graphemes::get() {
  static const Graphemes graphemes;
  return graphemes;
}

Graphemes::Graphemes() : kinds_(0x110000) {
  const auto set = [this](const auto& ranges, Kind kind) {
    for (const CodePoints& range : ranges) std::fill(kinds_.begin() + range.first, kinds_.begin() + range.last + 1, kind);
  };
  set(grapheme_control, Kind::control);
  set(grapheme_extend, Kind::extend);
  set(grapheme_linker, Kind::linker);
  set(grapheme_spacing, Kind::spacing);
  set(grapheme_prepend, Kind::prepend);
  set(grapheme_pictograph, Kind::pictograph);
  set(grapheme_consonant, Kind::consonant);
  set(grapheme_hangul_l, Kind::hangul_l);
  set(grapheme_hangul_v, Kind::hangul_v);
  set(grapheme_hangul_t, Kind::hangul_t);
  set_hangul_syllables();
  kinds_['\r'] = Kind::cr;
  kinds_['\n'] = Kind::lf;
  kinds_[0x200c] = Kind::non_joiner;
  kinds_[0x200d] = Kind::joiner;
}

void Graphemes::set_hangul_syllables() {
  for (char32_t c = 0xac00; c < 0xd7a4; ++c) kinds_[c] = (c - 0xac00) % 28 == 0 ? Kind::hangul_lv : Kind::hangul_lvt;
}

size_t Graphemes::length(std::string_view text, size_t begin) const {
  const DecodedCharacter first = decode_utf8(text, begin);
  State state(kinds_[first.code_point]);
  size_t end = begin + first.length;
  while (end < text.size()) {
    const DecodedCharacter next = decode_utf8(text, end);
    const Kind kind = kinds_[next.code_point];
    if (kind == Kind::other && state.last != Kind::prepend) break;
    if (!state.joins(kind)) break;
    state.add(kind);
    end += next.length;
  }
  return end - begin;
}

}  // namespace lmtx::detail
