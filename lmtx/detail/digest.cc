#include "lmtx/detail/digest.h"

#include <blake2.h>

#include <stdexcept>

namespace lmtx::detail {

struct Hasher::State {
  blake2b_state blake;
};

Hasher::Hasher() : state_(std::make_unique<State>()) {
  if (blake2b_init(&state_->blake, sizeof(Digest)) != 0) throw std::runtime_error("BLAKE2b did not start; this is a bug in LMTX.");
}

Hasher::Hasher(const Hasher& other) : state_(std::make_unique<State>(*other.state_)) {}

Hasher::~Hasher() = default;

Hasher& Hasher::add_raw(const void* bytes, size_t size) {
  if (size != 0) blake2b_update(&state_->blake, static_cast<const uint8_t*>(bytes), size);
  return *this;
}

Hasher& Hasher::add(int64_t number) {
  uint8_t bytes[8];
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<uint8_t>(static_cast<uint64_t>(number) >> (8 * i));
  return add_raw(bytes, sizeof bytes);
}

Hasher& Hasher::add(std::string_view part) {
  add(static_cast<int64_t>(part.size()));
  return add_raw(part.data(), part.size());
}

Digest Hasher::finish() {
  Digest digest;
  blake2b_final(&state_->blake, digest.data(), digest.size());
  return digest;
}

std::string hex(const Digest& digest) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (uint8_t byte : digest) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

}  // namespace lmtx::detail
