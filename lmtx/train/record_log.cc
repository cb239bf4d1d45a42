#include "lmtx/train/record_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <stdexcept>

#include "lmtx/detail/digest.h"
#include "lmtx/detail/files.h"

namespace lmtx {

namespace {

// Before each record: its size, then its checksum.
constexpr size_t head_size = sizeof(uint64_t) + sizeof(detail::Digest);

// What every log starts with: mark, format (uint32), 0 (uint32).
constexpr std::string_view mark = "LMTXRLOG";
constexpr uint32_t newest_format = 1;

std::string start() {
  std::string bytes(mark);
  bytes.append(reinterpret_cast<const char*>(&newest_format), sizeof newest_format);
  return bytes.append(sizeof newest_format, '\0');
}

[[noreturn]] void fail(const std::filesystem::path& file, int error) {
  throw std::runtime_error("Cannot write " + file.string() + ": " + std::strerror(error) + ".");
}

std::string head_of(std::string_view record) {
  const uint64_t size = record.size();
  const auto digest = detail::Hasher().add_raw(record.data(), record.size()).finish();
  std::string head(reinterpret_cast<const char*>(&size), sizeof(size));
  return head.append(reinterpret_cast<const char*>(digest.data()), digest.size());
}

void check_format(const std::string& bytes, const std::filesystem::path& file) {
  uint32_t format = 0;
  if (!bytes.starts_with(mark) || bytes.size() < start().size()) return;
  std::memcpy(&format, bytes.data() + mark.size(), sizeof format);
  if (format <= newest_format) return;
  throw std::runtime_error(file.string() + ": this log has format " + std::to_string(format) + ", but this version of LMTX reads up to " + std::to_string(newest_format) +
                           "; update LMTX, or delete the log to have its stage done again.");
}

// The whole records at the start of `bytes`; `end` is set to where they end, 0 where it is no log: a kill may cut its start short, too.
std::vector<std::string> parse(const std::string& bytes, size_t& end) {
  std::vector<std::string> records;
  end = 0;
  if (!bytes.starts_with(start())) return records;
  for (end = start().size(); bytes.size() - end >= head_size;) {
    uint64_t size = 0;
    std::memcpy(&size, bytes.data() + end, sizeof(size));
    if (size > bytes.size() - end - head_size) break;
    std::string record = bytes.substr(end + head_size, size);
    if (bytes.compare(end, head_size, head_of(record)) != 0) break;
    end += head_size + size;
    records.push_back(std::move(record));
  }
  return records;
}

}  // namespace

RecordLog::RecordLog(std::filesystem::path file) : file_(std::move(file)) {
  size_t end = 0;
  if (std::filesystem::exists(file_)) {
    const std::string bytes = detail::read_file(file_);
    check_format(bytes, file_);
    records_ = parse(bytes, end);
  }
  end_ = static_cast<int64_t>(end);
  descriptor_ = ::open(file_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail(file_, errno);
  if (::ftruncate(descriptor_, end_) != 0) {
    const int error = errno;
    ::close(descriptor_);
    fail(file_, error);
  }
  if (end_ > 0) return;
  try {
    write(start());
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

RecordLog::~RecordLog() { ::close(descriptor_); }

void RecordLog::append(std::string_view record) {
  std::string bytes = head_of(record);
  bytes += record;
  write(bytes);
}

void RecordLog::write(std::string_view bytes) {
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t written = ::pwrite(descriptor_, bytes.data() + done, bytes.size() - done, end_ + static_cast<int64_t>(done));
    if (written < 0 && errno != EINTR) fail(file_, errno);
    if (written > 0) done += static_cast<size_t>(written);
  }
  end_ += static_cast<int64_t>(bytes.size());
}

}  // namespace lmtx
