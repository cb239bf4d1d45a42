// The innermost part of a tokenizer: words to ids.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace lmtx::detail {

// The token of a byte, which an unknown character may become: "<0x41>".
inline std::string byte_token(size_t byte) {
  char text[8];
  std::snprintf(text, sizeof(text), "<0x%02X>", static_cast<unsigned>(byte));
  return text;
}

// Keeps scratch space: used by one thread at a time.
class WordEncoder {
 public:
  virtual ~WordEncoder() = default;
  // Appends the ids of a word, which is not empty and valid UTF-8.
  virtual void append_ids(std::string_view word, std::vector<int32_t>& ids) = 0;
};

// Immutable; shared by all threads.
class WordModel {
 public:
  virtual ~WordModel() = default;
  // The encoder refers to this model.
  virtual std::unique_ptr<WordEncoder> make_encoder() const = 0;
  // All ids are below it.
  virtual int64_t vocabulary_size() const = 0;
  // Whether a word may be cut wherever the character `mark` stands behind another one: its ids are those of the parts, one after the other.
  virtual bool is_cut_before(std::string_view /*mark*/) const { return false; }
};

}  // namespace lmtx::detail
