// Arrays of numbers, one after the other, in a framed file: the results of a run's stages. Internal; format: docs/formats/run.md.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "lmtx/detail/framed_file.h"
#include "lmtx/export.h"

namespace lmtx {

// Whether each value is larger than the one before.
template <typename T>
bool rises(const std::vector<T>& values) {
  return std::adjacent_find(values.begin(), values.end(), std::greater_equal<>()) == values.end();
}

class LMTX_API ArrayFileWriter {
 public:
  template <typename T>
  void add(const std::vector<T>& values) {
    static_assert(std::is_trivially_copyable_v<T>);
    add_bytes({reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)});
  }
  // Whole or not at all.
  void save(const std::filesystem::path& file, const detail::FileKind& kind) const;

 private:
  void add_bytes(std::string_view bytes);
  std::string bytes_;
};

class LMTX_API ArrayFileReader {
 public:
  // Throws std::runtime_error naming the file: another kind, a newer format, truncated, damaged.
  ArrayFileReader(const std::filesystem::path& file, const detail::FileKind& kind);

  // The next array.
  template <typename T>
  std::vector<T> next() {
    static_assert(std::is_trivially_copyable_v<T>);
    const std::string_view bytes = next_bytes(sizeof(T));
    std::vector<T> values(bytes.size() / sizeof(T));
    if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }
  // After the last array: throws where there is more.
  void finish() const;
  // For arrays that do not fit together.
  [[noreturn]] void refuse() const;

 private:
  std::string_view next_bytes(size_t entry_size);

  std::string place_;
  detail::FramedFile file_;
  std::string_view left_;
};

}  // namespace lmtx
