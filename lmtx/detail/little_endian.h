// Numbers in files, whatever the machine's order of bytes.
#pragma once

#include <cstdint>
#include <string_view>

namespace lmtx::detail {

// The number that at most four bytes hold, the lowest first.
inline uint32_t little_endian(std::string_view bytes) {
  uint32_t number = 0;
  for (size_t i = bytes.size(); i > 0; --i) number = number << 8 | static_cast<unsigned char>(bytes[i - 1]);
  return number;
}

}  // namespace lmtx::detail
