// Which store files are open, in this process and in those it was forked from. Internal.
#pragma once

#include <sys/types.h>

#include <filesystem>

namespace lmtx::detail {

// A store file that is open while this lives. SQLite keeps what it knows of a file's locks in memory, which a child inherits, while the locks themselves stay
// with the parent: a child that opened the file again would take them for its own, and the parent could then delete the log that the child writes to.
class OpenStoreFile {
 public:
  // Throws std::runtime_error that says what to do: for a child that has its parent's store.
  [[noreturn]] static void refuse_inherited(const std::filesystem::path& file);
  // The same where the process that forked this one had the file open.
  static void check_not_inherited(const std::filesystem::path& file);

  // The file must be there.
  explicit OpenStoreFile(const std::filesystem::path& file);
  ~OpenStoreFile();
  OpenStoreFile(const OpenStoreFile&) = delete;
  OpenStoreFile& operator=(const OpenStoreFile&) = delete;

 private:
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace lmtx::detail
