#include "lmtx/text/serde_number.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string>

namespace lmtx::detail {

namespace {

// 10^0 to 10^308, each the nearest double.
const std::array<double, 309>& powers_of_ten() {
  static const std::array<double, 309> powers = [] {
    std::array<double, 309> values{};
    for (size_t i = 0; i < values.size(); ++i) values[i] = std::strtod(("1e" + std::to_string(i)).c_str(), nullptr);
    return values;
  }();
  return powers;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

double scaled(uint64_t significand, int64_t exponent) {
  auto value = static_cast<double>(significand);
  const auto& powers = powers_of_ten();
  for (; value != 0 && exponent < -308; exponent += 308) value /= powers[308];
  if (value == 0 || exponent < -308) return value;
  if (exponent > 308) return std::numeric_limits<double>::infinity();
  return exponent >= 0 ? value * powers[static_cast<size_t>(exponent)] : value / powers[static_cast<size_t>(-exponent)];
}

}  // namespace

double serde_number(std::string_view text) {
  const bool negative = text.starts_with('-');
  uint64_t significand = 0;
  int64_t exponent = 0;
  bool full = false;  // Further digits are not counted.
  bool fraction = false;
  size_t pos = negative ? 1 : 0;
  for (; pos < text.size() && (is_digit(text[pos]) || text[pos] == '.'); ++pos) {
    if (text[pos] == '.') {
      fraction = true;
      continue;
    }
    const auto digit = static_cast<uint64_t>(text[pos] - '0');
    full |= significand > (std::numeric_limits<uint64_t>::max() - digit) / 10;
    if (!full) significand = significand * 10 + digit;
    if (full && !fraction) ++exponent;
    if (!full && fraction) --exponent;
  }
  if (pos < text.size()) exponent += std::clamp<int64_t>(std::strtoll(std::string(text.substr(pos + 1)).c_str(), nullptr, 10), -100000, 100000);
  const double value = scaled(significand, exponent);
  return negative ? -value : value;
}

}  // namespace lmtx::detail
