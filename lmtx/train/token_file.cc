#include "lmtx/train/token_file.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>

#include "lmtx/detail/framed_file.h"
#include "lmtx/stopped.h"

namespace lmtx {

namespace {

constexpr detail::FileKind kind{"LMTXTOKN", 1, "token file"};

// What is tokenized and kept in memory at once.
constexpr size_t block_texts = 4096;
constexpr size_t block_bytes = size_t{16} << 20;

template <typename T>
std::string_view bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

// Content of a token file: ids int32 [T], 4 bytes where T is odd, offsets int64 [n + 1], n, max_length, num_cut.
class TokenWriter {
 public:
  TokenWriter(const detail::AppendBytes& append, const Tokenizer& tokenizer, int64_t max_length, const std::string& prompt)
      : append_(append), tokenizer_(tokenizer), max_length_(max_length), prompt_(prompt) {}

  void add(const std::string& text) {
    texts_.push_back(prompt_ + text);
    bytes_ += texts_.back().size();
  }

  bool block_is_full() const { return texts_.size() >= block_texts || bytes_ >= block_bytes; }

  void write_block(const std::stop_token& stop = {}) {
    const std::vector<std::string_view> views(texts_.begin(), texts_.end());
    // One token more than will be kept tells whether a text is cut.
    const RaggedTokens tokens = tokenizer_.encode(views, max_length_ + 1, stop);
    std::vector<int32_t> ids;
    for (int64_t i = 0; i < tokens.size(); ++i) {
      const std::vector<int32_t> kept = cut_tokens(tokens[i], max_length_, static_cast<int64_t>(tokenizer_.suffix().size()));
      num_cut_ += kept.size() < tokens[i].size();
      ids.insert(ids.end(), kept.begin(), kept.end());
      offsets_.push_back(offsets_.back() + static_cast<int64_t>(kept.size()));
    }
    append_(bytes_of(ids));
    texts_.clear();
    bytes_ = 0;
  }

  void finish(const std::stop_token& stop = {}) {
    write_block(stop);
    if (offsets_.back() % 2 != 0) append_(std::string_view("\0\0\0\0", 4));
    append_(bytes_of(offsets_));
    append_(bytes_of(std::vector<int64_t>{num_written(), max_length_, num_cut_}));
  }

  int64_t num_written() const { return static_cast<int64_t>(offsets_.size()) - 1; }

 private:
  const detail::AppendBytes& append_;
  const Tokenizer& tokenizer_;
  const int64_t max_length_;
  const std::string& prompt_;
  std::vector<std::string> texts_;
  size_t bytes_ = 0;
  std::vector<int64_t> offsets_{0};
  int64_t num_cut_ = 0;
};

void write_documents(TokenWriter& writer, const Corpus& documents, const EventCallback& on_event, const std::stop_token& stop) {
  const auto report = [&] {
    if (on_event) on_event({.stage = "tokenize", .done = writer.num_written(), .total = documents.size(), .message = {}});
  };
  const auto reader = documents.read();
  for (Document document; reader->next(document);) {
    writer.add(document_text(document));
    if (!writer.block_is_full()) continue;
    writer.write_block(stop);
    report();
  }
  writer.finish(stop);
  report();
  if (writer.num_written() == documents.size()) return;
  throw std::runtime_error("The corpus had " + std::to_string(documents.size()) + " documents when it was opened, but now has " +
                           std::to_string(writer.num_written()) + ".");
}

}  // namespace

void TokenFile::write(const std::filesystem::path& file, const Corpus& documents, const Tokenizer& tokenizer, int64_t max_length, const std::string& prompt,
                      const EventCallback& on_event, std::stop_token stop) {
  detail::write_framed_file(file, kind, [&](const detail::AppendBytes& append) {
    TokenWriter writer(append, tokenizer, max_length, prompt);
    write_documents(writer, documents, on_event, stop);
  });
}

void TokenFile::write(const std::filesystem::path& file, const LabelSet& labels, const Tokenizer& tokenizer, int64_t max_length, const std::string& prompt) {
  detail::write_framed_file(file, kind, [&](const detail::AppendBytes& append) {
    TokenWriter writer(append, tokenizer, max_length, prompt);
    for (const Label& label : labels) {
      writer.add(label.name);
      if (writer.block_is_full()) writer.write_block();
    }
    writer.finish();
  });
}

void TokenFile::write(const std::filesystem::path& file, const std::function<bool(std::string&)>& next, const Tokenizer& tokenizer, int64_t max_length,
                      const std::string& prompt, std::stop_token stop) {
  detail::write_framed_file(file, kind, [&](const detail::AppendBytes& append) {
    TokenWriter writer(append, tokenizer, max_length, prompt);
    for (std::string text; next(text);) {
      writer.add(text);
      if (writer.block_is_full()) writer.write_block(stop);
    }
    writer.finish(stop);
  });
}

struct TokenFile::Impl {
  explicit Impl(const std::filesystem::path& path) : file(path, kind) {
    if (!read_layout()) throw std::runtime_error(path.string() + " is damaged: its sizes do not fit together.");
  }

  bool read_layout() {
    const std::span<const char> content = file.content();
    constexpr int64_t tail_words = 3;  // n, max_length, num_cut
    if (content.size() % 8 != 0 || content.size() < (tail_words + 1) * sizeof(int64_t)) return false;
    const auto* words = reinterpret_cast<const int64_t*>(content.data());
    const int64_t num_words = static_cast<int64_t>(content.size() / sizeof(int64_t));
    size = words[num_words - 3];
    max_length = words[num_words - 2];
    num_cut = words[num_words - 1];
    if (size < 0 || size > num_words - tail_words - 1) return false;
    const int64_t id_words = num_words - tail_words - 1 - size;
    offsets = words + id_words;
    ids = reinterpret_cast<const int32_t*>(content.data());
    return offsets[0] == 0 && std::is_sorted(offsets, offsets + size + 1) && offsets[size] <= 2 * id_words && (offsets[size] + 1) / 2 == id_words;
  }

  detail::FramedFile file;
  const int32_t* ids = nullptr;
  const int64_t* offsets = nullptr;
  int64_t size = 0;
  int64_t max_length = 0;
  int64_t num_cut = 0;
};

TokenFile::TokenFile(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

TokenFile TokenFile::open(const std::filesystem::path& file) { return TokenFile(std::make_shared<Impl>(file)); }

int64_t TokenFile::size() const { return impl_->size; }

int64_t TokenFile::max_length() const { return impl_->max_length; }

int64_t TokenFile::num_cut() const { return impl_->num_cut; }

std::span<const int32_t> TokenFile::operator[](int64_t i) const {
  return {impl_->ids + impl_->offsets[i], static_cast<size_t>(impl_->offsets[i + 1] - impl_->offsets[i])};
}

std::vector<int32_t> cut_tokens(std::span<const int32_t> tokens, int64_t max_length, int64_t suffix_size) {
  if (static_cast<int64_t>(tokens.size()) <= max_length) return {tokens.begin(), tokens.end()};
  if (suffix_size < 0 || suffix_size > max_length) {
    throw std::invalid_argument("`suffix_size` must be in [0, " + std::to_string(max_length) + "], but is " + std::to_string(suffix_size) + " instead.");
  }
  std::vector<int32_t> cut(tokens.begin(), tokens.begin() + (max_length - suffix_size));
  cut.insert(cut.end(), tokens.end() - suffix_size, tokens.end());
  return cut;
}

}  // namespace lmtx
