// Letters, numbers and white space of the patterns in tokenizers.
#pragma once

#include <cstdint>
#include <vector>

#include "lmtx/export.h"

namespace lmtx::detail {

enum class PatternClass : uint8_t { other, letter, number, space };

class LMTX_API PatternClasses {
 public:
  // The one table, 1.1 MB, made on first use.
  static const PatternClasses& get();

  // Of any code point up to U+10FFFF.
  PatternClass operator[](char32_t c) const { return classes_[c]; }

 private:
  PatternClasses();

  std::vector<PatternClass> classes_;
};

}  // namespace lmtx::detail
