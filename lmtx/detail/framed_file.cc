#include "lmtx/detail/framed_file.h"

#include <bit>
#include <cstring>
#include <stdexcept>
#include <string>

#include "lmtx/detail/digest.h"

namespace lmtx::detail {

static_assert(std::endian::native == std::endian::little, "LMTX's binary files are little endian, and so must be the machine.");

namespace {

constexpr size_t mark_size = 8, head_size = 16, tail_size = 24;

std::string head_of(const FileKind& kind) {
  std::string head(head_size, '\0');
  std::memcpy(head.data(), kind.mark.data(), mark_size);
  std::memcpy(head.data() + mark_size, &kind.format, sizeof kind.format);
  return head;
}

std::string tail_of(int64_t size, const Digest& digest) {
  std::string tail(tail_size, '\0');
  std::memcpy(tail.data(), &size, sizeof size);
  std::memcpy(tail.data() + sizeof size, digest.data(), digest.size());
  return tail;
}

void check_head(std::string_view bytes, const FileKind& kind, const std::string& place) {
  const std::string name(kind.name);
  if (!bytes.starts_with(kind.mark)) throw std::runtime_error(place + ": expected an LMTX " + name + ", but it is something else.");
  uint32_t format = 0;
  if (bytes.size() >= head_size) std::memcpy(&format, bytes.data() + mark_size, sizeof format);
  if (format > kind.format) {
    throw std::runtime_error(place + ": this " + name + " has format " + std::to_string(format) + ", but this version of LMTX reads up to " + std::to_string(kind.format) +
                             "; update LMTX.");
  }
}

}  // namespace

void write_framed_file(const std::filesystem::path& file, const FileKind& kind, const std::function<void(const AppendBytes&)>& fill) {
  write_file_atomically(file, [&](const AppendBytes& append) {
    Hasher hasher;
    int64_t size = 0;
    const auto append_hashed = [&](std::string_view bytes) {
      hasher.add_raw(bytes.data(), bytes.size());
      append(bytes);
    };
    append_hashed(head_of(kind));
    fill([&](std::string_view bytes) {
      append_hashed(bytes);
      size += static_cast<int64_t>(bytes.size());
    });
    append(tail_of(size, hasher.finish()));
  });
}

FramedFile::FramedFile(const std::filesystem::path& file, const FileKind& kind) : mapped_(file) {
  const std::string place = file.string();
  const std::string_view bytes(mapped_.data(), static_cast<size_t>(mapped_.size()));
  check_head(bytes, kind, place);
  const size_t frame = head_size + tail_size;
  const int64_t size = static_cast<int64_t>(bytes.size()) - static_cast<int64_t>(frame);
  if (size >= 0) {
    const std::string_view hashed = bytes.substr(0, bytes.size() - tail_size);
    if (bytes.substr(hashed.size()) == tail_of(size, Hasher().add_raw(hashed.data(), hashed.size()).finish())) {
      content_ = {bytes.data() + head_size, static_cast<size_t>(size)};
      return;
    }
  }
  throw std::runtime_error(place + ": this " + std::string(kind.name) + " is truncated or damaged. Delete it to have it made again.");
}

}  // namespace lmtx::detail
