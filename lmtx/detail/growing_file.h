// A file that is written over many hours, and takes its name at the end. Internal: no public header includes it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "lmtx/detail/digest.h"
#include "lmtx/export.h"

namespace lmtx::detail {

// Whatever fails throws std::runtime_error naming the path and the cause. Written through pwrite, so that no page of it counts as memory of this process.
class LMTX_API GrowingFile {
 public:
  // Opens what is there, or makes it.
  explicit GrowingFile(const std::filesystem::path& file);
  ~GrowingFile();
  GrowingFile(const GrowingFile&) = delete;
  GrowingFile& operator=(const GrowingFile&) = delete;

  int64_t size() const;
  // Adds the first `num_bytes` bytes, which must be there, to a hash.
  void hash(int64_t num_bytes, Hasher& hasher) const;
  void write_at(int64_t offset, std::string_view bytes);
  // Makes it that long or that short.
  void resize(int64_t num_bytes);
  // Takes room on the disk for that many bytes, so that it is not full halfway. Where there is none the file gets `size_else` bytes again. Does nothing on file systems that cannot.
  void reserve(int64_t num_bytes, int64_t size_else);
  // To the disk.
  void flush();

 private:
  const std::filesystem::path file_;
  int descriptor_ = -1;
};

}  // namespace lmtx::detail
