// Canonical composition: which pairs of code points become one.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "lmtx/export.h"

namespace lmtx::detail {

class LMTX_API Composition {
 public:
  // The one table, 140 KB, made on first use.
  static const Composition& get();

  // What the pair becomes; 0 if it stays a pair.
  char32_t compose(char32_t first, char32_t second) const;
  // Whether a text up to here and the text from here on are composed each for itself, and `c` stays: a starter that neither
  // decomposes nor joins what is before it.
  bool is_boundary(char32_t c) const { return c < 0x300 || c > 0x2ffff || !(active_[c >> 3] >> (c & 7) & 1); }

 private:
  Composition();

  std::unordered_map<uint64_t, char32_t> pairs_;
  std::vector<uint8_t> active_;  // a bit a code point
};

}  // namespace lmtx::detail
