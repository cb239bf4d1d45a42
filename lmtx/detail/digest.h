// 128 bits of BLAKE2b over length-prefixed parts: keys of judgments, fingerprints, checksums.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "lmtx/export.h"

namespace lmtx::detail {

using Digest = std::array<uint8_t, 16>;

class LMTX_API Hasher {
 public:
  Hasher();
  ~Hasher();
  // A copy goes on from the same parts, so that what many digests begin with is hashed once.
  Hasher(const Hasher& other);
  Hasher& operator=(const Hasher&) = delete;
  // Adds a part: its length (8 bytes, little endian), then its bytes.
  Hasher& add(std::string_view part);
  Hasher& add(int64_t number);
  // Adds bytes as they are.
  Hasher& add_raw(const void* bytes, size_t size);
  Digest finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

LMTX_API std::string hex(const Digest& digest);

}  // namespace lmtx::detail
