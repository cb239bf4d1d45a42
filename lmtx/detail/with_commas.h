// Numbers for people.
#pragma once

#include <cstdint>
#include <string>

namespace lmtx::detail {

// "1,234,567". `number` must not be negative.
inline std::string with_commas(int64_t number) {
  std::string digits = std::to_string(number);
  for (int64_t i = static_cast<int64_t>(digits.size()) - 3; i > 0; i -= 3) digits.insert(static_cast<size_t>(i), 1, ',');
  return digits;
}

}  // namespace lmtx::detail
