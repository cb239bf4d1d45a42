#include "lmtx/detail/files.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cerrno>
#include <cstring>
#include <mutex>
#include <set>
#include <stdexcept>
#include <utility>
#include <vector>

namespace lmtx::detail {

namespace fs = std::filesystem;

void fail(const fs::path& file, const std::string& doing, int error) {
  throw std::runtime_error("Cannot " + doing + " " + file.string() + ": " + std::strerror(error) + ".");
}

namespace {

constexpr size_t max_line_bytes = size_t{256} << 20;
// What a write in progress is called: the name it will have, and this.
constexpr const char* writing = ".writing";
// What a folder is called while the one that replaces it takes its name, where the file system cannot exchange them.
constexpr const char* replaced = ".replaced";

fs::path without_slash(const fs::path& path) { return path.has_filename() ? path : path.parent_path(); }

// With its number where it is not the first.
fs::path beside(const fs::path& path, const char* mark, int64_t number = 0) {
  fs::path name = without_slash(path);
  name += mark;
  return number == 0 ? name : name.concat("-").concat(std::to_string(number));
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

fs::path folder_of(const fs::path& path) { return without_slash(fs::absolute(path)).parent_path(); }

void rename_path(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) fail(to, "write", errno);
}

// A device or a pipe, which must not be replaced.
bool is_stream(const fs::path& path) {
  const fs::file_status status = fs::status(path);
  return fs::is_character_file(status) || fs::is_fifo(status);
}

// Whether this is still the file or folder of that name, and not one that was renamed or removed meanwhile.
bool is_at(int descriptor, const fs::path& path) {
  struct stat opened {}, there {};
  return ::fstat(descriptor, &opened) == 0 && ::stat(path.c_str(), &there) == 0 && opened.st_dev == there.st_dev && opened.st_ino == there.st_ino;
}

// A file or folder under construction beside the one that it will become, at first empty. It is locked: so what a killed process left there is told from
// what another is writing. The former is written over, so that nothing piles up; beside the latter another name is taken.
class Draft {
 public:
  enum class Kind { file, folder };

  Draft(const fs::path& target, Kind kind) : target_(without_slash(target)), kind_(kind) {
    for (int64_t number = 0; !claim(beside(target, writing, number), /*make=*/true); ++number) continue;
    try {
      clear();
    } catch (...) {
      ::close(descriptor_);
      throw;
    }
  }
  ~Draft() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
    ::close(descriptor_);
  }
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;

  const fs::path& path() const { return path_; }
  int descriptor() const { return descriptor_; }

  // Takes the place of the target.
  void publish() {
    const fs::path old = move();
    path_.clear();
    flush(folder_of(target_), /*folder=*/true);
    if (old.empty()) return;
    // Locked again before it is removed: the lock went with the name.
    ::close(std::exchange(descriptor_, -1));
    claim(old, /*make=*/false);
  }

 private:
  // False where another writes there, or has just finished.
  bool claim(const fs::path& path, bool make) {
    if (make && kind_ == Kind::folder && ::mkdir(path.c_str(), 0777) != 0 && errno != EEXIST) fail(target_, "write", errno);
    const int flags = kind_ == Kind::folder ? O_RDONLY | O_DIRECTORY : O_WRONLY | O_CREAT;
    const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC, 0666);
    if (descriptor < 0 && errno == ENOENT && kind_ == Kind::folder) return false;
    if (descriptor < 0) fail(target_, "write", errno);
    // A file system that has no locks gives another error.
    const bool locked = ::flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
    if (!locked || !is_at(descriptor, path)) {
      ::close(descriptor);
      return false;
    }
    path_ = path;
    descriptor_ = descriptor;
    return true;
  }

  void clear() {
    if (kind_ == Kind::folder) {
      for (const auto& entry : fs::directory_iterator(path_)) remove_tree(entry.path());
    } else if (::ftruncate(descriptor_, 0) != 0) {
      fail(target_, "write", errno);
    }
  }

  // Gives the path of the folder that was replaced; empty where there was none.
  fs::path move() {
    if (::rename(path_.c_str(), target_.c_str()) == 0) return {};
    if (kind_ == Kind::file || (errno != ENOTEMPTY && errno != EEXIST)) fail(target_, "write", errno);
    if (::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, target_.c_str(), RENAME_EXCHANGE) == 0) return path_;
    if (errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP) fail(target_, "write", errno);
    return move_in_two_steps();
  }

  fs::path move_in_two_steps() {
    const fs::path old = beside(target_, replaced);
    rename_path(target_, old);
    if (::rename(path_.c_str(), target_.c_str()) == 0) return old;
    const int error = errno;
    ::rename(old.c_str(), target_.c_str());
    fail(target_, "write", error);
  }

  const fs::path target_;
  const Kind kind_;
  fs::path path_;
  int descriptor_ = -1;
};

// Where folders cannot be exchanged, a kill may leave the older one under another name.
void restore_replaced(const fs::path& folder) {
  const fs::path old = beside(folder, replaced);
  if (!fs::exists(old)) return;
  if (fs::exists(folder)) remove_tree(old);
  else rename_path(old, folder);
}

}  // namespace

fs::path follow_link(const fs::path& path) {
  fs::path target = without_slash(path);
  for (int links = 0; fs::is_symlink(target); ++links) {
    if (links == 40) fail(path, "write", ELOOP);
    target = target.parent_path() / fs::read_symlink(target);
  }
  return target;
}

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
  if (is_stream(file)) {
    const Descriptor descriptor(file, O_WRONLY, "write");
    return fill([&](std::string_view bytes) { write_all(file, descriptor.value, bytes); });
  }
  const fs::path target = follow_link(file);
  Draft draft(target, Draft::Kind::file);
  fill([&](std::string_view bytes) { write_all(target, draft.descriptor(), bytes); });
  if (::fsync(draft.descriptor()) != 0) fail(target, "flush", errno);
  draft.publish();
}

void write_folder_atomically(const fs::path& folder, const std::function<void(const fs::path&)>& fill) {
  const fs::path target = follow_link(folder);
  make_folder(folder_of(target));
  restore_replaced(target);
  Draft draft(target, Draft::Kind::folder);
  fill(draft.path());
  flush_tree(draft.path());
  draft.publish();
}

void move_path(const fs::path& from, const fs::path& to) {
  rename_path(from, to);
  flush(folder_of(to), /*folder=*/true);
}

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail(folder, "make", error.value());
}

void remove_tree(const fs::path& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) fail(path, "remove", error.value());
}

std::string why_not_writable(const fs::path& folder) {
  fs::path nearest = fs::absolute(without_slash(folder));
  while (!fs::exists(nearest) && nearest.has_relative_path()) nearest = nearest.parent_path();
  if (!fs::is_directory(nearest)) return std::strerror(ENOTDIR);
  return ::access(nearest.c_str(), W_OK | X_OK) == 0 ? "" : std::strerror(errno);
}

void remove_leftovers(const fs::path& path) {
  const std::string name = without_slash(path).filename().string();
  const auto is_leftover = [&](const std::string& found) {
    for (const std::string mark : {writing, replaced}) {
      if (found == name + mark || found.starts_with(name + mark + "-")) return true;
    }
    return false;
  };
  std::error_code ignored;
  std::vector<fs::path> leftovers;
  for (const auto& entry : fs::directory_iterator(folder_of(path), ignored)) {
    if (is_leftover(entry.path().filename().string())) leftovers.push_back(entry.path());
  }
  for (const fs::path& leftover : leftovers) fs::remove_all(leftover, ignored);
}

namespace {

// The descriptors of this process's locks. A lock lasts while any process has its descriptor: a child that is forked off gives it up, or the lock could
// outlive the process that took it.
class LockDescriptors {
 public:
  static LockDescriptors& all() {
    static LockDescriptors all;
    return all;
  }
  void add(int descriptor) {
    const std::lock_guard lock(mutex_);
    descriptors_.insert(descriptor);
  }
  // Nothing in a child, where it is closed already.
  void close(int descriptor) {
    const std::lock_guard lock(mutex_);
    if (descriptors_.erase(descriptor) > 0) ::close(descriptor);
  }

 private:
  LockDescriptors() {
    ::pthread_atfork([] { all().mutex_.lock(); }, [] { all().mutex_.unlock(); },
                     [] {
                       for (const int descriptor : all().descriptors_) ::close(descriptor);
                       all().descriptors_.clear();
                       all().mutex_.unlock();
                     });
  }

  std::mutex mutex_;
  std::set<int> descriptors_;
};

}  // namespace

FileLock::FileLock(const fs::path& file, const std::string& who_else) {
  int descriptor = -1;
  do {
    if (descriptor >= 0) ::close(descriptor);
    descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor < 0) fail(file, "open", errno);
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
      const int error = errno;
      ::close(descriptor);
      if (error == EWOULDBLOCK) throw std::runtime_error(who_else);
      fail(file, "lock", error);
    }
  } while (!is_at(descriptor, file));
  descriptor_ = descriptor;
  LockDescriptors::all().add(descriptor);
}

FileLock::~FileLock() { LockDescriptors::all().close(descriptor_); }

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

void MappedFile::forget(int64_t begin, int64_t end) const {
  const int64_t page_begin = begin / ::sysconf(_SC_PAGESIZE) * ::sysconf(_SC_PAGESIZE);
  // Only advice: where it is not taken, memory is given back with the mapping.
  if (end > page_begin) ::madvise(const_cast<char*>(data_) + page_begin, static_cast<size_t>(end - page_begin), MADV_DONTNEED);
}

// The bytes of a plain or gzip file. zlib's own reader of files would do, but passes over whatever comes after a gzip stream: of a file of several streams, the
// next one with a damaged start, with all that follows.
struct LineReader::Stream {
  explicit Stream(const fs::path& file) : descriptor(file, O_RDONLY, "open") {}
  ~Stream() {
    if (inflates) inflateEnd(&zlib);
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  Descriptor descriptor;
  // As they lie in the file, and how many there are.
  std::vector<char> raw = std::vector<char>(size_t{1} << 17);
  size_t raw_size = 0;
  bool at_start = true;
  // Of a gzip file; points into `raw`.
  bool inflates = false;
  bool between_streams = false;
  z_stream zlib{};
  std::vector<char> block = std::vector<char>(size_t{1} << 16);
  // The bytes that are not yet handed out: of `block`, or of `raw` where the file is plain.
  const char* begin = nullptr;
  const char* end = nullptr;
};

LineReader::LineReader(const fs::path& file) : file_(file), stream_(std::make_unique<Stream>(file)) {
  if (fs::is_directory(file)) fail(file, "read", EISDIR);
}

LineReader::~LineReader() = default;

bool LineReader::read_raw() {
  Stream& stream = *stream_;
  stream.raw_size = 0;
  // Two bytes tell what the file is; a pipe may give fewer at once.
  while (stream.raw_size < 2) {
    const ssize_t got = ::read(stream.descriptor.value, stream.raw.data() + stream.raw_size, stream.raw.size() - stream.raw_size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(file_, "read", errno);
    if (got == 0) break;
    stream.raw_size += static_cast<size_t>(got);
  }
  return stream.raw_size > 0;
}

void LineReader::damaged_gzip(const char* why) const {
  throw std::runtime_error(place() + ": damaged or truncated gzip file (" + (why ? why : "unknown fault") + ").");
}

bool LineReader::fill() {
  Stream& stream = *stream_;
  if (stream.at_start) {
    stream.at_start = false;
    if (!read_raw()) {
      if (file_.extension() == ".gz") damaged_gzip("no bytes");
      return false;
    }
    stream.inflates = stream.raw_size >= 2 && stream.raw[0] == '\x1f' && stream.raw[1] == '\x8b';
    if (stream.inflates) {
      if (inflateInit2(&stream.zlib, 15 + 16) != Z_OK) fail(file_, "read", ENOMEM);
      stream.zlib.next_in = reinterpret_cast<Bytef*>(stream.raw.data());
      stream.zlib.avail_in = static_cast<uInt>(stream.raw_size);
    }
  } else if (!stream.inflates && !read_raw()) {
    return false;
  }
  if (stream.inflates) return inflate_block();
  stream.begin = stream.raw.data();
  stream.end = stream.begin + stream.raw_size;
  return true;
}

// Inflates until there are bytes to hand out; false at the end of the file.
bool LineReader::inflate_block() {
  Stream& stream = *stream_;
  z_stream& zlib = stream.zlib;
  zlib.next_out = reinterpret_cast<Bytef*>(stream.block.data());
  zlib.avail_out = static_cast<uInt>(stream.block.size());
  while (zlib.avail_out == stream.block.size()) {
    if (zlib.avail_in == 0) {
      if (!read_raw()) {
        if (stream.between_streams) return false;
        damaged_gzip("unexpected end of file");
      }
      zlib.next_in = reinterpret_cast<Bytef*>(stream.raw.data());
      zlib.avail_in = static_cast<uInt>(stream.raw_size);
    }
    if (stream.between_streams && !begin_next_stream()) continue;
    const int code = inflate(&zlib, Z_NO_FLUSH);
    if (code == Z_STREAM_END) {
      stream.between_streams = true;
    } else if (code != Z_OK && code != Z_BUF_ERROR) {
      damaged_gzip(zlib.msg);
    }
  }
  stream.begin = stream.block.data();
  stream.end = reinterpret_cast<const char*>(zlib.next_out);
  return true;
}

// After a stream: zeros, which fill up blocks, are passed over; false where there are only zeros so far. inflate() looks at what else there is.
bool LineReader::begin_next_stream() {
  z_stream& zlib = stream_->zlib;
  while (zlib.avail_in > 0 && *zlib.next_in == 0) {
    ++zlib.next_in;
    --zlib.avail_in;
  }
  if (zlib.avail_in == 0) return false;
  stream_->between_streams = false;
  inflateReset(&zlib);
  return true;
}

bool LineReader::next(std::string& line) {
  line.clear();
  ++line_number_;
  while (true) {
    if (stream_->begin == stream_->end && !fill()) return !line.empty();
    const size_t left = static_cast<size_t>(stream_->end - stream_->begin);
    const char* newline = static_cast<const char*>(std::memchr(stream_->begin, '\n', left));
    const size_t taken = newline ? static_cast<size_t>(newline - stream_->begin) : left;
    if (line.size() + taken > max_line_bytes) throw std::runtime_error(place() + ": line is longer than 256 MiB.");
    line.append(stream_->begin, taken);
    stream_->begin += taken + (newline ? 1 : 0);
    if (!newline) continue;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    return true;
  }
}

std::string LineReader::place() const { return file_.string() + ":" + std::to_string(line_number_); }

}  // namespace lmtx::detail
