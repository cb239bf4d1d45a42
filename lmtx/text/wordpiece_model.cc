#include "lmtx/text/wordpiece_model.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "lmtx/text/word_cache.h"

namespace lmtx::detail {

namespace {

std::string normalize(BertNormalizer& normalizer, std::string_view text) {
  std::string normalized;
  normalizer.normalize(text, [&](char32_t c) {
    append_utf8(c, normalized);
    return true;
  });
  return normalized;
}

int64_t size_of(const WordPieceOptions& options) {
  int64_t size = 0;
  for (const auto& [token, id] : options.vocabulary) size = std::max<int64_t>(size, int64_t{id} + 1);
  return size;
}

enum class ByteKind : uint8_t { part_of_word, space, punctuation };

// Bytes at which a text can be cut before normalization: white space and punctuation of ASCII stay what they are, and neither combine with nor change what is
// around them. All other bytes belong to words, for now.
constexpr std::array<ByteKind, 256> byte_kinds = [] {
  std::array<ByteKind, 256> kinds{};
  for (int c = '!'; c <= '~'; ++c) {
    const bool letter_or_digit = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if (!letter_or_digit) kinds[c] = ByteKind::punctuation;
  }
  for (int c : {' ', '\t', '\n', '\r'}) kinds[c] = ByteKind::space;
  return kinds;
}();

ByteKind kind_of(char byte) { return byte_kinds[static_cast<unsigned char>(byte)]; }

}  // namespace

// Cuts normalized code points into words, and these into tokens.
class WordSplitter {
 public:
  WordSplitter(const WordPieceVocabulary& vocabulary, std::vector<int32_t>& ids, size_t end) : vocabulary_(vocabulary), ids_(ids), end_(end) {}

  // False once there are enough ids.
  bool operator()(char32_t c) {
    const uint8_t flags = characters_.flags(c);
    if (!(flags & (character::space | character::punctuation))) return append(c);
    finish_word();
    if (flags & character::punctuation) {
      append(c);
      finish_word();
    }
    return ids_.size() < end_;
  }

  void finish_word() {
    if (num_characters_ > 0) vocabulary_.append_ids(word_, num_characters_, ids_);
    word_.clear();
    num_characters_ = 0;
  }

 private:
  // Of a word that is too long anyway nothing more is kept.
  bool append(char32_t c) {
    if (num_characters_ <= vocabulary_.max_word_characters()) {
      append_utf8(c, word_);
      ++num_characters_;
    }
    return true;
  }

  const WordPieceVocabulary& vocabulary_;
  const Characters& characters_ = Characters::get();
  std::vector<int32_t>& ids_;
  size_t end_;
  std::string word_;
  size_t num_characters_ = 0;
};

class WordPieceSegmenter : public AddedTokenSegmenter {
 public:
  explicit WordPieceSegmenter(const WordPieceModel& model) : AddedTokenSegmenter(model.added_tokens_), model_(model), normalizer_(model.normalizer_) {}

 private:
  void append_part(std::string_view text) override {
    if (!has_normalized_tokens()) return append_words(text);
    const std::string normalized = normalize(normalizer_, text);
    split_normalized(normalized, [this](std::string_view part) { append_normalized(part); });
  }

  void append_normalized(std::string_view text) {
    WordSplitter splitter(model_.vocabulary_, ids(), end());
    bool more = true;
    for (size_t pos = 0; more && pos < text.size();) {
      const DecodedCharacter decoded = decode_utf8(text, pos);
      pos += decoded.length;
      more = splitter(decoded.code_point);
    }
    if (more) splitter.finish_word();
  }

  void append_words(std::string_view text) {
    for (size_t pos = 0; pos < text.size() && more();) {
      const size_t begin = pos++;
      const ByteKind kind = kind_of(text[begin]);
      if (kind == ByteKind::space) continue;
      if (kind == ByteKind::part_of_word) {
        while (pos < text.size() && kind_of(text[pos]) == ByteKind::part_of_word) ++pos;
      }
      append_word(text.substr(begin, pos - begin));
    }
  }

  // What lies between spaces: a word, unless white space, punctuation or ideographs beyond ASCII are in it.
  void append_word(std::string_view word) {
    if (word.size() > WordCache::max_word_bytes) return segment(word, end());
    cache_.append(word, ids(), [&] { segment(word, ids().max_size()); });  // All of it, since it will be kept.
  }

  void segment(std::string_view word, size_t end) {
    WordSplitter splitter(model_.vocabulary_, ids(), end);
    normalizer_.normalize(word, splitter);
    splitter.finish_word();
  }

  const WordPieceModel& model_;
  BertNormalizer normalizer_;
  WordCache cache_;
};

WordPieceModel::WordPieceModel(const WordPieceOptions& options, const BertNormalizerOptions& normalizer, const std::vector<AddedToken>& added_tokens)
    : vocabulary_(options),
      normalizer_(normalizer),
      added_tokens_(added_tokens,
                    [&normalizer](std::string_view text) {
                      BertNormalizer bert(normalizer);
                      return normalize(bert, text);
                    }),
      vocabulary_size_(size_with(size_of(options), added_tokens)) {}

std::unique_ptr<Segmenter> WordPieceModel::make_segmenter() const { return std::make_unique<WordPieceSegmenter>(*this); }

}  // namespace lmtx::detail
