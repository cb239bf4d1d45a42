// Where what a reader takes for one character ends (grapheme clusters of Unicode's Annex 29).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "lmtx/export.h"

namespace lmtx::detail {

// As the crate unicode-segmentation has them, but for flags of two regional indicators, which are two here.
class LMTX_API Graphemes {
 public:
  // The one table, 1.1 MB, made on first use.
  static const Graphemes& get();

  // The length in bytes of the grapheme that begins at `begin`, which must be inside the text, valid UTF-8.
  size_t length(std::string_view text, size_t begin) const;

 private:
  enum class Kind : uint8_t {
    other,
    cr,
    lf,
    control,
    extend,
    non_joiner,
    linker,
    joiner,
    spacing,
    prepend,
    pictograph,
    consonant,
    hangul_l,
    hangul_v,
    hangul_t,
    hangul_lv,
    hangul_lvt
  };

  // What was seen of a grapheme so far.
  struct State;

  Graphemes();
  void set_hangul_syllables();

  std::vector<Kind> kinds_;
};

}  // namespace lmtx::detail
