#include "lmtx/train/text_file.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "lmtx/detail/framed_file.h"

namespace lmtx {

namespace {

constexpr detail::FileKind kind{"LMTXTEXT", 1, "text file"};

std::string_view bytes_of(const std::vector<int64_t>& values) { return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(int64_t)}; }

}  // namespace

// Content: the bytes of all texts, 0 to 7 bytes up to a multiple of 8, offsets int64 [n + 1], n.
void TextFile::write(const std::filesystem::path& file, const std::function<void(const AddText&)>& fill) {
  detail::write_framed_file(file, kind, [&](const detail::AppendBytes& append) {
    std::vector<int64_t> offsets{0};
    fill([&](std::string_view text) {
      append(text);
      offsets.push_back(offsets.back() + static_cast<int64_t>(text.size()));
    });
    append(std::string(static_cast<size_t>((8 - offsets.back() % 8) % 8), '\0'));
    const auto size = static_cast<int64_t>(offsets.size()) - 1;
    append(bytes_of(offsets));
    append(bytes_of({size}));
  });
}

struct TextFile::Impl {
  explicit Impl(const std::filesystem::path& path) : file(path, kind) {
    if (!read_layout()) throw std::runtime_error(path.string() + " is damaged: its sizes do not fit together.");
  }

  bool read_layout() {
    const std::span<const char> content = file.content();
    if (content.size() % 8 != 0 || content.size() < 2 * sizeof(int64_t)) return false;
    const auto* words = reinterpret_cast<const int64_t*>(content.data());
    const auto num_words = static_cast<int64_t>(content.size() / sizeof(int64_t));
    size = words[num_words - 1];
    if (size < 0 || size > num_words - 2) return false;
    const int64_t text_words = num_words - 2 - size;
    texts = content.data();
    offsets = words + text_words;
    return offsets[0] == 0 && std::is_sorted(offsets, offsets + size + 1) && offsets[size] <= 8 * text_words && (offsets[size] + 7) / 8 == text_words;
  }

  detail::FramedFile file;
  const char* texts = nullptr;
  const int64_t* offsets = nullptr;
  int64_t size = 0;
};

TextFile::TextFile(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

TextFile TextFile::open(const std::filesystem::path& file) { return TextFile(std::make_shared<Impl>(file)); }

int64_t TextFile::size() const { return impl_->size; }

std::string_view TextFile::operator[](int64_t i) const {
  return {impl_->texts + impl_->offsets[i], static_cast<size_t>(impl_->offsets[i + 1] - impl_->offsets[i])};
}

}  // namespace lmtx
