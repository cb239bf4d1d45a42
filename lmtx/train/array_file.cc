#include "lmtx/train/array_file.h"

#include <stdexcept>

namespace lmtx {

void ArrayFileWriter::save(const std::filesystem::path& file, const detail::FileKind& kind) const {
  detail::write_framed_file(file, kind, [&](const detail::AppendBytes& append) { append(bytes_); });
}

void ArrayFileWriter::add_bytes(std::string_view bytes) {
  const uint64_t size = bytes.size();
  bytes_.append(reinterpret_cast<const char*>(&size), sizeof(size)).append(bytes);
}

ArrayFileReader::ArrayFileReader(const std::filesystem::path& file, const detail::FileKind& kind)
    : place_(file.string()), file_(file, kind), left_(file_.content().data(), file_.content().size()) {}

void ArrayFileReader::refuse() const { throw std::runtime_error(place_ + " is damaged: its arrays do not fit together."); }

void ArrayFileReader::finish() const {
  if (!left_.empty()) refuse();
}

std::string_view ArrayFileReader::next_bytes(size_t entry_size) {
  uint64_t size = 0;
  if (left_.size() < sizeof(size)) refuse();
  std::memcpy(&size, left_.data(), sizeof(size));
  left_.remove_prefix(sizeof(size));
  if (size > left_.size() || size % entry_size != 0) refuse();
  const std::string_view bytes = left_.substr(0, size);
  left_.remove_prefix(size);
  return bytes;
}

}  // namespace lmtx
