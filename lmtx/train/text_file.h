// Texts of a run in a memory-mapped file, for what is tokenized anew each time. Internal; format: docs/formats/run.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string_view>

#include "lmtx/export.h"

namespace lmtx {

// An immutable handle, cheap to copy; const methods may be called from several threads.
class LMTX_API TextFile {
 public:
  using AddText = std::function<void(std::string_view)>;
  // Writes the texts that `fill` adds, whole or not at all. Memory: 8 bytes a text.
  static void write(const std::filesystem::path& file, const std::function<void(const AddText&)>& fill);
  // Throws std::runtime_error naming the file and the fault.
  static TextFile open(const std::filesystem::path& file);

  // Texts.
  int64_t size() const;
  // Valid while a copy of this handle lives.
  std::string_view operator[](int64_t i) const;

 private:
  struct Impl;
  explicit TextFile(std::shared_ptr<const Impl> impl);
  std::shared_ptr<const Impl> impl_;
};

}  // namespace lmtx
