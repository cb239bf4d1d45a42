#include "lmtx/train/array_file.h"

#include <cstring>
#include <stdexcept>

#include "lmtx/detail/digest.h"
#include "lmtx/detail/files.h"

namespace lmtx {

namespace {

constexpr uint64_t array_file_format = 1;
constexpr size_t header_size = 16;
constexpr size_t checksum_size = sizeof(detail::Digest);

detail::Digest checksum(const char* bytes, size_t size) { return detail::Hasher().add_raw(bytes, size).finish(); }

}  // namespace

ArrayFileWriter::ArrayFileWriter(const std::string& kind) : bytes_(kind) {
  bytes_.resize(8);
  bytes_.append(reinterpret_cast<const char*>(&array_file_format), sizeof(array_file_format));
}

void ArrayFileWriter::add_bytes(const void* bytes, size_t size) {
  const uint64_t written = size;
  bytes_.append(reinterpret_cast<const char*>(&written), sizeof(written));
  bytes_.append(static_cast<const char*>(bytes), size);
}

void ArrayFileWriter::save(const std::filesystem::path& file) {
  const auto digest = checksum(bytes_.data(), bytes_.size());
  bytes_.append(reinterpret_cast<const char*>(digest.data()), digest.size());
  detail::write_file_atomically(file, bytes_);
}

ArrayFileReader::ArrayFileReader(std::filesystem::path file, const std::string& kind)
    : file_(std::move(file)), bytes_(detail::read_file(file_)), position_(header_size) {
  if (bytes_.size() < header_size + checksum_size || bytes_.compare(0, 8, kind) != 0)
    throw std::runtime_error(file_.string() + " is damaged: expected a file of kind '" + kind + "'.");
  uint64_t format = 0;
  std::memcpy(&format, bytes_.data() + 8, sizeof(format));
  if (format > array_file_format)
    throw std::runtime_error(file_.string() + " has format " + std::to_string(format) + ", but this LMTX reads formats up to " + std::to_string(array_file_format) + ".");
  const auto digest = checksum(bytes_.data(), bytes_.size() - checksum_size);
  if (std::memcmp(digest.data(), bytes_.data() + bytes_.size() - checksum_size, checksum_size) != 0)
    throw std::runtime_error(file_.string() + " is damaged or truncated: its checksum does not fit its contents.");
  bytes_.resize(bytes_.size() - checksum_size);
}

size_t ArrayFileReader::next_size() {
  uint64_t size = 0;
  read_bytes(&size, sizeof(size));
  if (size > bytes_.size() - position_) throw std::runtime_error(file_.string() + " is damaged: an array ends beyond the end of the file.");
  return size;
}

void ArrayFileReader::read_bytes(void* bytes, size_t size) {
  if (size > bytes_.size() - position_) throw std::runtime_error(file_.string() + " is damaged: it has fewer arrays than expected.");
  if (size > 0) std::memcpy(bytes, bytes_.data() + position_, size);
  position_ += size;
}

}  // namespace lmtx
