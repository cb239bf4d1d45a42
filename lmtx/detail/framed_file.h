// Binary files with a mark, a format number, their size and a checksum: written in parts, there whole or not at all, read through a memory map.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string_view>

#include "lmtx/detail/files.h"
#include "lmtx/export.h"

namespace lmtx::detail {

// What a file is. Layout: `mark`, format (uint32), 0 (uint32), the content, its size (int64), and 16 bytes of BLAKE2b over the content and what was before it; little endian.
struct FileKind {
  // 8 bytes.
  std::string_view mark;
  uint32_t format = 1;
  // For messages: "token file".
  std::string_view name;
};

LMTX_API void write_framed_file(const std::filesystem::path& file, const FileKind& kind, const std::function<void(const AppendBytes&)>& fill);

class LMTX_API FramedFile {
 public:
  // Reads the whole file once for its checksum. Throws std::runtime_error naming the file and the fault: another kind, a newer format, truncated, damaged.
  FramedFile(const std::filesystem::path& file, const FileKind& kind);
  // Starts on a multiple of 16 bytes; valid while this object lives.
  std::span<const char> content() const { return content_; }

 private:
  MappedFile mapped_;
  std::span<const char> content_;
};

}  // namespace lmtx::detail
