#include "lmtx/detail/growing_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "lmtx/detail/files.h"

namespace lmtx::detail {

GrowingFile::GrowingFile(const std::filesystem::path& file) : file_(file), descriptor_(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)) {
  if (descriptor_ < 0) fail(file_, "open", errno);
}

GrowingFile::~GrowingFile() { ::close(descriptor_); }

int64_t GrowingFile::size() const {
  struct stat info {};
  if (::fstat(descriptor_, &info) != 0) fail(file_, "read", errno);
  return info.st_size;
}

void GrowingFile::hash(int64_t num_bytes, Hasher& hasher) const {
  std::string block(size_t{1} << 20, '\0');
  for (int64_t done = 0; done < num_bytes;) {
    const ssize_t got = ::pread(descriptor_, block.data(), std::min(block.size(), static_cast<size_t>(num_bytes - done)), done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(file_, "read", errno);
    if (got == 0) fail(file_, "read", EIO);
    hasher.add_raw(block.data(), static_cast<size_t>(got));
    done += got;
  }
}

void GrowingFile::write_at(int64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(descriptor_, bytes.data(), bytes.size(), offset);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(file_, "write", errno);
    bytes.remove_prefix(static_cast<size_t>(written));
    offset += written;
  }
}

void GrowingFile::resize(int64_t num_bytes) {
  if (::ftruncate(descriptor_, num_bytes) != 0) fail(file_, "write", errno);
}

void GrowingFile::reserve(int64_t num_bytes, int64_t size_else) {
  // Not posix_fallocate, which writes to every block where the file system cannot.
  if (::fallocate(descriptor_, 0, 0, num_bytes) == 0 || errno == EOPNOTSUPP || errno == ENOSYS) return;
  const int error = errno;
  // What it got so far is others' to use; that this may fail, too, does no harm.
  if (::ftruncate(descriptor_, size_else) != 0) errno = error;
  fail(file_, "write", error);
}

void GrowingFile::flush() {
  if (::fdatasync(descriptor_) != 0) fail(file_, "flush", errno);
}

}  // namespace lmtx::detail
