// Files that are there whole or not at all.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "lmtx/export.h"

namespace lmtx::detail {

// The whole file. Throws std::runtime_error naming the path and the cause; also where it is larger than `max_bytes`.
LMTX_API std::string read_file(const std::filesystem::path& file, int64_t max_bytes = int64_t{1} << 40);
// Writes beside the file, flushes to disk, renames; nothing is left behind where that fails, and what a kill leaves the next write of the same file takes
// over. A symbolic link is followed; a device or a pipe is just written to. Throws std::runtime_error naming the path and the cause (disk full, read-only).
LMTX_API void write_file_atomically(const std::filesystem::path& file, std::string_view bytes);
// The same for a file too large for memory: `fill` is given a function that appends bytes. If `fill` throws nothing changes.
using AppendBytes = std::function<void(std::string_view)>;
LMTX_API void write_file_atomically(const std::filesystem::path& file, const std::function<void(const AppendBytes&)>& fill);
// `fill` writes into a new empty folder beside `folder`, which then takes its place (an older one goes away); if `fill` throws nothing changes. Makes the
// folders above it. Files are flushed before the exchange. A kill leaves the old folder or the new one; where a file system cannot exchange folders, for an
// instant none, and the next write brings the old one back first.
LMTX_API void write_folder_atomically(const std::filesystem::path& folder, const std::function<void(const std::filesystem::path&)>& fill);
// Removes what a killed write_*_atomically left beside `path`. Nobody else may be writing it.
LMTX_API void remove_leftovers(const std::filesystem::path& path);

// Throws std::runtime_error: "Cannot write FILE: No space left on device.", say.
[[noreturn]] LMTX_API void fail(const std::filesystem::path& file, const std::string& doing, int error);

// Where a symbolic link leads, also to where nothing is yet; any other path as it is. Throws std::runtime_error naming the path for links in a circle.
LMTX_API std::filesystem::path follow_link(const std::filesystem::path& path);
// Gives a file another name, in the place of what is there, and flushes the folder to disk. Throws std::runtime_error naming the new path and the cause.
LMTX_API void move_path(const std::filesystem::path& from, const std::filesystem::path& to);

// Makes the folder, and those above it, where they are missing. Throws std::runtime_error naming the path and the cause.
LMTX_API void make_folder(const std::filesystem::path& folder);
// Removes a file, or a folder with all that is in it, if it is there. Throws likewise.
LMTX_API void remove_tree(const std::filesystem::path& path);
// Why nothing can be made in `folder`, or in the nearest one above where it is missing, such as "Read-only file system"; empty where it can.
LMTX_API std::string why_not_writable(const std::filesystem::path& folder);

// An advisory lock on a file, made where it is missing; held until destruction or the end of this process, whatever children it has. Throws
// std::runtime_error saying `who_else` when another process has it.
class LMTX_API FileLock {
 public:
  FileLock(const std::filesystem::path& file, const std::string& who_else);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  int descriptor_ = -1;
};

// A file mapped into memory, read-only.
class LMTX_API MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& file);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  const char* data() const { return data_; }
  int64_t size() const { return size_; }
  // Gives back the memory of bytes [begin, end), to whole pages around; whoever looks there again reads the file again.
  void forget(int64_t begin, int64_t end) const;

 private:
  const char* data_ = nullptr;
  int64_t size_ = 0;
};

// Reads the lines of a plain or gzip file one by one.
class LMTX_API LineReader {
 public:
  // Throws std::runtime_error naming the file.
  explicit LineReader(const std::filesystem::path& file);
  ~LineReader();
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;
  // The next line without its end; false at the end of the file. Throws for a damaged or truncated gzip stream, or a line over 256 MiB.
  bool next(std::string& line);
  // Of the line that next() gave last, from 1.
  int64_t line_number() const { return line_number_; }
  // "path:12" for messages.
  std::string place() const;

 private:
  struct Stream;
  // Reads the next block; false at the end of the file.
  bool fill();
  bool read_raw();
  bool inflate_block();
  bool begin_next_stream();
  [[noreturn]] void damaged_gzip(const char* why) const;
  std::filesystem::path file_;
  std::unique_ptr<Stream> stream_;
  int64_t line_number_ = 0;
};

}  // namespace lmtx::detail
