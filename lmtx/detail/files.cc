#include "lmtx/detail/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <vector>

namespace lmtx::detail {

namespace fs = std::filesystem;

namespace {

constexpr size_t max_line_bytes = size_t{256} << 20;
// What a write in progress is called: the name it will have, this, and the process that writes.
constexpr const char* writing = ".writing-";
// What a folder is called while the one that replaces it takes its name.
constexpr const char* replaced = ".replaced-";

[[noreturn]] void fail(const fs::path& file, const std::string& doing, int error) {
  throw std::runtime_error("Cannot " + doing + " " + file.string() + ": " + std::strerror(error) + ".");
}

fs::path beside(const fs::path& path, const char* mark) {
  fs::path name = path;
  if (!name.has_filename()) name = name.parent_path();
  name += mark + std::to_string(::getpid());
  return name;
}

class Descriptor {
 public:
  Descriptor(const fs::path& file, int flags, const std::string& doing) : value(::open(file.c_str(), flags | O_CLOEXEC, 0666)) {
    if (value < 0) fail(file, doing, errno);
  }
  ~Descriptor() { ::close(value); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  const int value;
};

void write_all(const fs::path& file, int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(file, "write", errno);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
}

// Flushes a file's or a folder's contents to disk. Some file systems cannot flush folders (EINVAL): nothing to be done there.
void flush(const fs::path& path, bool folder) {
  const Descriptor descriptor(path, folder ? O_RDONLY | O_DIRECTORY : O_RDONLY, "open");
  if (::fsync(descriptor.value) != 0 && errno != EINVAL) fail(path, "flush", errno);
}

void flush_tree(const fs::path& folder) {
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file() || entry.is_directory()) flush(entry.path(), entry.is_directory());
  }
  flush(folder, /*folder=*/true);
}

fs::path folder_of(const fs::path& path) {
  const fs::path absolute = fs::absolute(path);
  return absolute.has_filename() ? absolute.parent_path() : absolute.parent_path().parent_path();
}

void move_path(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) fail(to, "write", errno);
}

}  // namespace

std::string read_file(const fs::path& file, int64_t max_bytes) {
  const Descriptor descriptor(file, O_RDONLY, "open");
  struct stat info {};
  if (::fstat(descriptor.value, &info) != 0) fail(file, "read", errno);
  if (S_ISDIR(info.st_mode)) fail(file, "read", EISDIR);
  if (info.st_size > max_bytes)
    throw std::runtime_error(file.string() + ": expected at most " + std::to_string(max_bytes) + " bytes, but it has " + std::to_string(info.st_size) + ".");
  std::string bytes(static_cast<size_t>(info.st_size), '\0');
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = ::read(descriptor.value, bytes.data() + done, bytes.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(file, "read", errno);
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

void write_file_atomically(const fs::path& file, std::string_view bytes) {
  write_file_atomically(file, [&](const AppendBytes& append) { append(bytes); });
}

void write_file_atomically(const fs::path& file, const std::function<void(const AppendBytes&)>& fill) {
  const fs::path temporary = beside(file, writing);
  try {
    {
      const Descriptor descriptor(temporary, O_WRONLY | O_CREAT | O_TRUNC, "write");
      fill([&](std::string_view bytes) { write_all(file, descriptor.value, bytes); });
      if (::fsync(descriptor.value) != 0) fail(file, "flush", errno);
    }
    move_path(temporary, file);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  flush(folder_of(file), /*folder=*/true);
}

void write_folder_atomically(const fs::path& folder, const std::function<void(const fs::path&)>& fill) {
  const fs::path temporary = beside(folder, writing), old = beside(folder, replaced);
  std::error_code ignored;
  fs::remove_all(temporary, ignored);
  std::error_code error;
  if (!fs::create_directories(temporary, error) && error) fail(folder, "make", error.value());
  try {
    fill(temporary);
    flush_tree(temporary);
    const bool replaces = fs::exists(folder);
    if (replaces) move_path(folder, old);
    move_path(temporary, folder);
  } catch (...) {
    fs::remove_all(temporary, ignored);
    if (!fs::exists(folder) && fs::exists(old)) fs::rename(old, folder, ignored);
    throw;
  }
  flush(folder_of(folder), /*folder=*/true);
  fs::remove_all(old, ignored);
}

void remove_leftovers(const fs::path& path) {
  const fs::path parent = folder_of(path);
  const std::string name = (path.has_filename() ? path : path.parent_path()).filename().string();
  std::error_code ignored;
  std::vector<fs::path> leftovers;
  for (const auto& entry : fs::directory_iterator(parent, ignored)) {
    const std::string found = entry.path().filename().string();
    if (found.starts_with(name + writing) || found.starts_with(name + replaced)) leftovers.push_back(entry.path());
  }
  for (const fs::path& leftover : leftovers) fs::remove_all(leftover, ignored);
}

FileLock::FileLock(const fs::path& file, const std::string& who_else) {
  descriptor_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail(file, "open", errno);
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0) return;
  const int error = errno;
  ::close(descriptor_);
  if (error == EWOULDBLOCK) throw std::runtime_error(who_else);
  fail(file, "lock", error);
}

FileLock::~FileLock() { ::close(descriptor_); }

MappedFile::MappedFile(const fs::path& file) {
  const Descriptor descriptor(file, O_RDONLY, "open");
  struct stat info {};
  if (::fstat(descriptor.value, &info) != 0) fail(file, "read", errno);
  if (S_ISDIR(info.st_mode)) fail(file, "read", EISDIR);
  size_ = info.st_size;
  if (size_ == 0) return;
  void* address = ::mmap(nullptr, static_cast<size_t>(size_), PROT_READ, MAP_SHARED, descriptor.value, 0);
  if (address == MAP_FAILED) fail(file, "map", errno);
  data_ = static_cast<const char*>(address);
}

MappedFile::~MappedFile() {
  if (data_) ::munmap(const_cast<char*>(data_), static_cast<size_t>(size_));
}

struct LineReader::Stream {
  gzFile file = nullptr;
  std::vector<char> block = std::vector<char>(size_t{1} << 16);
  // The bytes of `block` that are not yet handed out.
  size_t begin = 0;
  size_t end = 0;
};

LineReader::LineReader(const fs::path& file) : file_(file), stream_(std::make_unique<Stream>()) {
  { const Descriptor probe(file, O_RDONLY, "open"); }
  if (fs::is_directory(file)) fail(file, "read", EISDIR);
  // Reads plain files as they are, too.
  stream_->file = gzopen(file.c_str(), "rb");
  if (!stream_->file) fail(file, "open", errno ? errno : ENOMEM);
  gzbuffer(stream_->file, 1 << 17);
}

LineReader::~LineReader() { gzclose(stream_->file); }

bool LineReader::fill() {
  const int got = gzread(stream_->file, stream_->block.data(), static_cast<unsigned>(stream_->block.size()));
  int error = Z_OK;
  const char* message = gzerror(stream_->file, &error);
  if (error == Z_ERRNO) fail(file_, "read", errno);
  if (got < 0 || error == Z_BUF_ERROR) throw std::runtime_error(place() + ": damaged or truncated gzip file (" + message + ").");
  stream_->begin = 0;
  stream_->end = static_cast<size_t>(got);
  return got > 0;
}

bool LineReader::next(std::string& line) {
  line.clear();
  ++line_number_;
  while (true) {
    if (stream_->begin == stream_->end && !fill()) return !line.empty();
    const char* begin = stream_->block.data() + stream_->begin;
    const size_t left = stream_->end - stream_->begin;
    const char* newline = static_cast<const char*>(std::memchr(begin, '\n', left));
    const size_t taken = newline ? static_cast<size_t>(newline - begin) : left;
    if (line.size() + taken > max_line_bytes) throw std::runtime_error(place() + ": line is longer than 256 MiB.");
    line.append(begin, taken);
    stream_->begin += taken + (newline ? 1 : 0);
    if (!newline) continue;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    return true;
  }
}

std::string LineReader::place() const { return file_.string() + ":" + std::to_string(line_number_); }

}  // namespace lmtx::detail
