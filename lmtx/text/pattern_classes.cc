#include "lmtx/text/pattern_classes.h"

#include <algorithm>

#include "lmtx/text/unicode_classes.h"

namespace lmtx::detail {

const PatternClasses& PatternClasses::get() {
  static const PatternClasses classes;
  return classes;
}

PatternClasses::PatternClasses() : classes_(0x110000) {
  const auto set = [this](const auto& ranges, PatternClass value) {
    for (const CodePoints& range : ranges) std::fill(classes_.begin() + range.first, classes_.begin() + range.last + 1, value);
  };
  set(pattern_letter, PatternClass::letter);
  set(pattern_number, PatternClass::number);
  set(pattern_space, PatternClass::space);
}

}  // namespace lmtx::detail
