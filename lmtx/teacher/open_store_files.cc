#include "lmtx/teacher/open_store_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <stdexcept>
#include <vector>

namespace lmtx::detail {

namespace {

struct Entry {
  dev_t device;
  ino_t inode;
  pid_t process;
  bool operator==(const Entry&) const = default;
};

std::mutex mutex;
std::vector<Entry> entries;

}  // namespace

void OpenStoreFile::refuse_inherited(const std::filesystem::path& file) {
  throw std::runtime_error(file.string() + ": the process that forked this one had the judgment store open, which SQLite does not survive; close it before the fork, or start a "
                                           "process that is no fork (\"spawn\" in Python's multiprocessing).");
}

void OpenStoreFile::check_not_inherited(const std::filesystem::path& file) {
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0) return;
  const std::lock_guard lock(mutex);
  const bool inherited = std::any_of(entries.begin(), entries.end(), [&](const Entry& entry) {
    return entry.device == info.st_dev && entry.inode == info.st_ino && entry.process != ::getpid();
  });
  if (inherited) refuse_inherited(file);
}

OpenStoreFile::OpenStoreFile(const std::filesystem::path& file) {
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0) throw std::runtime_error("Cannot open " + file.string() + ": it has gone.");
  device_ = info.st_dev;
  inode_ = info.st_ino;
  const std::lock_guard lock(mutex);
  entries.push_back({device_, inode_, ::getpid()});
}

OpenStoreFile::~OpenStoreFile() {
  const std::lock_guard lock(mutex);
  const auto found = std::find(entries.begin(), entries.end(), Entry{device_, inode_, ::getpid()});
  if (found != entries.end()) entries.erase(found);
}

}  // namespace lmtx::detail
