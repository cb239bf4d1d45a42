// Arrays of numbers in a file with a kind, a format number and a checksum: the results of a run's stages. Internal.
#pragma once

#include <bit>
#include <cstdint>
#include <filesystem>
#include <string>
#include <type_traits>
#include <vector>

#include "lmtx/export.h"

namespace lmtx {

static_assert(std::endian::native == std::endian::little, "run files are little endian");

// Layout: docs/formats/run.md.
class LMTX_API ArrayFileWriter {
 public:
  // `kind` has exactly 8 characters and says what the file is.
  explicit ArrayFileWriter(const std::string& kind);

  template <typename T>
  void add(const std::vector<T>& values) {
    static_assert(std::is_trivially_copyable_v<T>);
    add_bytes(values.data(), values.size() * sizeof(T));
  }
  // Whole or not at all.
  void save(const std::filesystem::path& file);

 private:
  void add_bytes(const void* bytes, size_t size);
  std::string bytes_;
};

class LMTX_API ArrayFileReader {
 public:
  // Throws std::runtime_error naming the file: another kind, a newer format, truncated, damaged.
  ArrayFileReader(std::filesystem::path file, const std::string& kind);

  // The next array.
  template <typename T>
  std::vector<T> next() {
    static_assert(std::is_trivially_copyable_v<T>);
    std::vector<T> values(next_size() / sizeof(T));
    read_bytes(values.data(), values.size() * sizeof(T));
    return values;
  }

 private:
  size_t next_size();
  void read_bytes(void* bytes, size_t size);
  std::filesystem::path file_;
  std::string bytes_;
  size_t position_ = 0;
};

}  // namespace lmtx
