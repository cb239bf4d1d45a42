// Preloaded into a program (LD_PRELOAD), or linked before the C library, counts the file operations below a folder that change something, and at one of them
// kills the program or lets the operation fail. The environment says what is wanted:
//
//   LMTX_FAULT_FOLDER  where operations count; absolute and free of symbolic links
//   LMTX_FAULT_FILES   a pattern as fnmatch() has it: only paths that match count, taken relative to the folder, such as "*judgments.db-wal"
//   LMTX_FAULT_KINDS   only these count, separated by commas: open (for writing), write, flush, resize, rename, remove, mkdir, map (shared, for writing)
//   LMTX_FAULT_AT      the number of the operation that is met, from 1; without it nothing is done
//   LMTX_FAULT_DO      what is done there:
//                        kill   the process is killed before it
//                        cut    a write is killed in its middle, any other operation right after its end
//                        short  a write does half and says so
//                        fail   it fails
//                        last   it fails, and so does whatever comes after it that would with LMTX_FAULT_ERROR; a write does half before
//   LMTX_FAULT_ERROR   ENOSPC, EDQUOT, EIO, EROFS, EACCES or EINVAL
//   LMTX_FAULT_LOG     a file that gets a line an operation before it is done: number, kind, path relative to the folder
//
// What glibc does inside of itself (fwrite, fclose) is not seen; the standard library of C++, Python and SQLite write through the functions below.
#include "fault_injector.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

int error_number(const std::string& name) {
  const std::pair<const char*, int> known[] = {{"ENOSPC", ENOSPC}, {"EDQUOT", EDQUOT}, {"EIO", EIO}, {"EROFS", EROFS}, {"EACCES", EACCES}, {"EINVAL", EINVAL}};
  for (const auto& [text, number] : known) {
    if (name == text) return number;
  }
  return EIO;
}

struct Settings {
  std::string folder = variable("LMTX_FAULT_FOLDER") + "/";
  std::string files = variable("LMTX_FAULT_FILES");
  std::string kinds = std::string(",").append(variable("LMTX_FAULT_KINDS")).append(",");
  std::string action = variable("LMTX_FAULT_DO");
  std::string log = variable("LMTX_FAULT_LOG");
  long at = std::atol(variable("LMTX_FAULT_AT").c_str());
  int error = error_number(variable("LMTX_FAULT_ERROR"));

  // So far.
  long count = 0;
  bool broken = false;
};

Settings& settings() {
  static Settings settings;
  return settings;
}

// --- which operation it is ---

std::string link_target(const std::string& link) {
  char target[4096];
  const ssize_t size = ::readlink(link.c_str(), target, sizeof target);
  return size > 0 ? std::string(target, static_cast<size_t>(size)) : "";
}

std::string path_of(int descriptor) { return link_target("/proc/self/fd/" + std::to_string(descriptor)); }

std::string path_of(int folder, const char* path) {
  if (path[0] == '/') return path;
  return (folder == AT_FDCWD ? link_target("/proc/self/cwd") : path_of(folder)) + "/" + path;
}

bool counts(const char* kind, const std::string& path) {
  const Settings& wanted = settings();
  if (wanted.folder.size() == 1 || (path + "/").compare(0, wanted.folder.size(), wanted.folder) != 0) return false;
  if (wanted.kinds != ",," && wanted.kinds.find(std::string(",").append(kind).append(",")) == std::string::npos) return false;
  return wanted.files.empty() || fnmatch(wanted.files.c_str(), path.c_str() + std::min(path.size(), wanted.folder.size()), 0) == 0;
}

// Straight to the kernel, so that it is not seen itself.
void note(long number, const char* kind, const std::string& path) {
  if (settings().log.empty()) return;
  const std::string line = std::to_string(number) + " " + kind + " " + path.substr(std::min(path.size(), settings().folder.size())) + "\n";
  const long log = syscall(SYS_openat, AT_FDCWD, settings().log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (syscall(SYS_write, log, line.data(), line.size()) < 0) std::perror(settings().log.c_str());
  syscall(SYS_close, log);
}

// --- what becomes of it ---

enum class Fate { normal, cut, half, failure };

[[noreturn]] void end_process() {
  for (;;) ::kill(::getpid(), SIGKILL);
}

// Whether a disk that has this fault refuses an operation of this kind.
bool refuses(const char* kind, bool takes_space) {
  const auto is_one_of = [&](std::initializer_list<const char*> kinds) {
    return std::any_of(kinds.begin(), kinds.end(), [&](const char* other) { return std::strcmp(kind, other) == 0; });
  };
  switch (settings().error) {
    case ENOSPC:
    case EDQUOT: return takes_space;
    case EACCES: return is_one_of({"open", "rename", "remove", "mkdir"});
    case EROFS: return !is_one_of({"flush"});
    default: return true;
  }
}

// Counts the operation and says what becomes of it; does not return where that is the end.
Fate meet(const char* kind, const std::string& path, bool takes_space) {
  static std::mutex mutex;
  if (!counts(kind, path)) return Fate::normal;
  const std::lock_guard lock(mutex);
  Settings& now = settings();
  note(++now.count, kind, path);
  if (now.action == "last") {
    if (now.at == 0 || now.count < now.at || !refuses(kind, takes_space)) return Fate::normal;
    return !std::exchange(now.broken, true) && std::strcmp(kind, "write") == 0 ? Fate::half : Fate::failure;
  }
  if (now.count != now.at) return Fate::normal;
  if (now.action == "kill") end_process();
  if (now.action == "cut") return Fate::cut;
  if (now.action == "short") return Fate::half;
  return now.action == "fail" ? Fate::failure : Fate::normal;
}

template <typename Result, typename Operation>
Result guard(const char* kind, const std::string& path, bool takes_space, Result failed, Operation operation) {
  const Fate fate = meet(kind, path, takes_space);
  if (fate == Fate::failure) {
    errno = settings().error;
    return failed;
  }
  const Result result = operation();
  if (fate == Fate::cut) end_process();
  return result;
}

// `write` is given how many bytes to write.
template <typename Write>
ssize_t guard_write(int descriptor, size_t size, Write write) {
  const Fate fate = meet("write", path_of(descriptor), /*takes_space=*/true);
  if (fate == Fate::failure) {
    errno = settings().error;
    return -1;
  }
  if (fate == Fate::normal) return write(size);
  const ssize_t written = fate == Fate::cut && size < 2 ? 0 : write(std::max<size_t>(size / 2, 1));
  if (fate == Fate::cut) end_process();
  return written;
}

// The first `size` bytes of a list of buffers.
std::vector<iovec> first_bytes(const iovec* buffers, int count, size_t size) {
  std::vector<iovec> first;
  for (int i = 0; i < count && size > 0; ++i) {
    first.push_back({buffers[i].iov_base, std::min(size, buffers[i].iov_len)});
    size -= first.back().iov_len;
  }
  return first;
}

size_t total(const iovec* buffers, int count) {
  size_t size = 0;
  for (int i = 0; i < count; ++i) size += buffers[i].iov_len;
  return size;
}

// The function that this one stands before.
template <typename Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

template <typename Open>
int guard_open(int folder, const char* path, int flags, Open open) {
  if ((flags & (O_WRONLY | O_RDWR | O_CREAT)) == 0) return open();
  const std::string whole = path_of(folder, path);
  struct stat info {};
  const bool creates = (flags & O_CREAT) != 0 && ::stat(whole.c_str(), &info) != 0;
  return guard("open", whole, creates, -1, open);
}

mode_t mode_of(int flags, va_list arguments) { return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(arguments, mode_t) : 0; }

template <typename Stream>
FILE* guard_stream(const char* path, const char* mode, Stream stream) {
  if (std::strpbrk(mode, "wa+") == nullptr) return stream();
  return guard("open", path_of(AT_FDCWD, path), /*takes_space=*/true, static_cast<FILE*>(nullptr), stream);
}

}  // namespace

// --- the functions ---

#define FAULTY_OPEN(name)                                                                     \
  int name(const char* path, int flags, ...) {                                                \
    va_list arguments;                                                                        \
    va_start(arguments, flags);                                                               \
    const mode_t mode = mode_of(flags, arguments);                                            \
    va_end(arguments);                                                                        \
    static auto* const real = next<int(const char*, int, ...)>(#name);                        \
    return guard_open(AT_FDCWD, path, flags, [&] { return real(path, flags, mode); });        \
  }
#define FAULTY_OPENAT(name)                                                                   \
  int name(int folder, const char* path, int flags, ...) {                                    \
    va_list arguments;                                                                        \
    va_start(arguments, flags);                                                               \
    const mode_t mode = mode_of(flags, arguments);                                            \
    va_end(arguments);                                                                        \
    static auto* const real = next<int(int, const char*, int, ...)>(#name);                   \
    return guard_open(folder, path, flags, [&] { return real(folder, path, flags, mode); });  \
  }
// What open() without a mode becomes in programs that are compiled with _FORTIFY_SOURCE.
#define FAULTY_OPEN_2(name)                                                                   \
  int name(const char* path, int flags) {                                                     \
    static auto* const real = next<int(const char*, int)>(#name);                             \
    return guard_open(AT_FDCWD, path, flags, [&] { return real(path, flags); });              \
  }
#define FAULTY_CREAT(name)                                                                    \
  int name(const char* path, mode_t mode) {                                                   \
    static auto* const real = next<int(const char*, mode_t)>(#name);                          \
    return guard_open(AT_FDCWD, path, O_CREAT | O_WRONLY, [&] { return real(path, mode); });  \
  }
#define FAULTY_FOPEN(name)                                                                    \
  FILE* name(const char* path, const char* mode) {                                            \
    static auto* const real = next<FILE*(const char*, const char*)>(#name);                   \
    return guard_stream(path, mode, [&] { return real(path, mode); });                        \
  }
#define FAULTY_PWRITE(name, offset_type)                                                                           \
  ssize_t name(int descriptor, const void* bytes, size_t size, offset_type offset) {                               \
    static auto* const real = next<ssize_t(int, const void*, size_t, offset_type)>(#name);                         \
    return guard_write(descriptor, size, [&](size_t part) { return real(descriptor, bytes, part, offset); });      \
  }
#define FAULTY_FLUSH(name)                                                                                         \
  int name(int descriptor) {                                                                                       \
    static auto* const real = next<int(int)>(#name);                                                               \
    return guard("flush", path_of(descriptor), /*takes_space=*/false, -1, [&] { return real(descriptor); });       \
  }
#define FAULTY_FTRUNCATE(name, offset_type)                                                                        \
  int name(int descriptor, offset_type size) noexcept {                                                            \
    static auto* const real = next<int(int, offset_type)>(#name);                                                  \
    return guard("resize", path_of(descriptor), /*takes_space=*/false, -1, [&] { return real(descriptor, size); });\
  }
// Gives its error back instead of setting errno.
#define FAULTY_FALLOCATE(name, offset_type)                                                                        \
  int name(int descriptor, offset_type begin, offset_type size) {                                                  \
    static auto* const real = next<int(int, offset_type, offset_type)>(#name);                                     \
    return guard("resize", path_of(descriptor), /*takes_space=*/true, settings().error, [&] { return real(descriptor, begin, size); }); \
  }
#define FAULTY_RESERVE(name, offset_type)                                                                          \
  int name(int descriptor, int mode, offset_type begin, offset_type size) {                                        \
    static auto* const real = next<int(int, int, offset_type, offset_type)>(#name);                                \
    return guard("resize", path_of(descriptor), /*takes_space=*/true, -1, [&] { return real(descriptor, mode, begin, size); }); \
  }
#define FAULTY_MMAP(name, offset_type)                                                                             \
  void* name(void* address, size_t size, int protection, int flags, int descriptor, offset_type offset) noexcept { \
    static auto* const real = next<void*(void*, size_t, int, int, int, offset_type)>(#name);                       \
    const auto map = [&] { return real(address, size, protection, flags, descriptor, offset); };                   \
    if (descriptor < 0 || (flags & MAP_SHARED) == 0 || (protection & PROT_WRITE) == 0) return map();               \
    return guard("map", path_of(descriptor), /*takes_space=*/false, MAP_FAILED, map);                              \
  }

extern "C" {

void lmtx_reload_faults() { settings() = Settings(); }

FAULTY_OPEN(open)
FAULTY_OPEN(open64)
FAULTY_OPENAT(openat)
FAULTY_OPENAT(openat64)
FAULTY_OPEN_2(__open_2)
FAULTY_OPEN_2(__open64_2)
FAULTY_CREAT(creat)
FAULTY_CREAT(creat64)
FAULTY_FOPEN(fopen)
FAULTY_FOPEN(fopen64)
FAULTY_PWRITE(pwrite, off_t)
FAULTY_PWRITE(pwrite64, off64_t)
FAULTY_FLUSH(fsync)
FAULTY_FLUSH(fdatasync)
FAULTY_FTRUNCATE(ftruncate, off_t)
FAULTY_FTRUNCATE(ftruncate64, off64_t)
FAULTY_FALLOCATE(posix_fallocate, off_t)
FAULTY_FALLOCATE(posix_fallocate64, off64_t)
FAULTY_RESERVE(fallocate, off_t)
FAULTY_RESERVE(fallocate64, off64_t)
FAULTY_MMAP(mmap, off_t)
FAULTY_MMAP(mmap64, off64_t)

ssize_t write(int descriptor, const void* bytes, size_t size) {
  static auto* const real = next<ssize_t(int, const void*, size_t)>("write");
  return guard_write(descriptor, size, [&](size_t part) { return real(descriptor, bytes, part); });
}

ssize_t writev(int descriptor, const iovec* buffers, int count) {
  static auto* const real = next<ssize_t(int, const iovec*, int)>("writev");
  return guard_write(descriptor, total(buffers, count), [&](size_t part) {
    const std::vector<iovec> first = first_bytes(buffers, count, part);
    return real(descriptor, first.data(), static_cast<int>(first.size()));
  });
}

int rename(const char* from, const char* to) noexcept {
  static auto* const real = next<int(const char*, const char*)>("rename");
  return guard("rename", path_of(AT_FDCWD, to), /*takes_space=*/false, -1, [&] { return real(from, to); });
}

int renameat(int from_folder, const char* from, int to_folder, const char* to) noexcept {
  static auto* const real = next<int(int, const char*, int, const char*)>("renameat");
  return guard("rename", path_of(to_folder, to), /*takes_space=*/false, -1, [&] { return real(from_folder, from, to_folder, to); });
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) noexcept {
  static auto* const real = next<int(int, const char*, int, const char*, unsigned)>("renameat2");
  return guard("rename", path_of(to_folder, to), /*takes_space=*/false, -1, [&] { return real(from_folder, from, to_folder, to, flags); });
}

int unlink(const char* path) noexcept {
  static auto* const real = next<int(const char*)>("unlink");
  return guard("remove", path_of(AT_FDCWD, path), /*takes_space=*/false, -1, [&] { return real(path); });
}

int unlinkat(int folder, const char* path, int flags) noexcept {
  static auto* const real = next<int(int, const char*, int)>("unlinkat");
  return guard("remove", path_of(folder, path), /*takes_space=*/false, -1, [&] { return real(folder, path, flags); });
}

int rmdir(const char* path) noexcept {
  static auto* const real = next<int(const char*)>("rmdir");
  return guard("remove", path_of(AT_FDCWD, path), /*takes_space=*/false, -1, [&] { return real(path); });
}

int remove(const char* path) noexcept {
  static auto* const real = next<int(const char*)>("remove");
  return guard("remove", path_of(AT_FDCWD, path), /*takes_space=*/false, -1, [&] { return real(path); });
}

int mkdir(const char* path, mode_t mode) noexcept {
  static auto* const real = next<int(const char*, mode_t)>("mkdir");
  return guard("mkdir", path_of(AT_FDCWD, path), /*takes_space=*/true, -1, [&] { return real(path, mode); });
}

int mkdirat(int folder, const char* path, mode_t mode) noexcept {
  static auto* const real = next<int(int, const char*, mode_t)>("mkdirat");
  return guard("mkdir", path_of(folder, path), /*takes_space=*/true, -1, [&] { return real(folder, path, mode); });
}

}  // extern "C"
