// Byte pair encoding: a word's characters (or bytes) are merged pair by pair, in the order in which training found the pairs.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "lmtx/text/word_model.h"

namespace lmtx::detail {

struct BpeOptions {
  // Tokens and their ids.
  std::unordered_map<std::string, int32_t> vocabulary;
  // Pairs of tokens, the first to be merged first. Both and what they become must be in the vocabulary.
  std::vector<std::pair<std::string, std::string>> merges;
  // Stands for what is not in the vocabulary, which is left out where this is empty; else it must be in the vocabulary.
  std::string unknown_token;
  // Several unknown characters in a row are one token.
  bool fuse_unknown = false;
  // An unknown character becomes the tokens of its bytes, "<0x00>" to "<0xFF>", where these are there.
  bool byte_fallback = false;
  // A word that is a token is that token, whatever the merges say.
  bool ignore_merges = false;
  // Words are taken byte by byte, and each byte is a character in the vocabulary: GPT-2's alphabet, which has one to show for every byte.
  bool byte_level = false;
};

// A word of n characters takes O(n log n) time.
class BpeVocabulary : public WordModel {
 public:
  // Throws std::invalid_argument for a merge with a token that is not in the vocabulary.
  explicit BpeVocabulary(const BpeOptions& options);

  std::unique_ptr<WordEncoder> make_encoder() const override;
  int64_t vocabulary_size() const override { return vocabulary_size_; }
  // Of SentencePiece's mark only (U+2581): where it is a token and no merge joins it to another character before it.
  bool is_cut_before(std::string_view mark) const override { return mark == metaspace && is_cut_before_metaspace_; }

 private:
  friend class BpeEncoder;

  static constexpr std::string_view metaspace = "\u2581";

  struct Merge {
    uint32_t rank;
    int32_t id;
  };

  // Pairs of ids and what they become, in an open-addressed hash table.
  class Merges {
   public:
    explicit Merges(size_t size);
    // A pair that was there before gets the new value.
    void insert(int32_t left, int32_t right, Merge merge);
    const Merge* find(int32_t left, int32_t right) const;

   private:
    static constexpr uint64_t nobody = ~uint64_t{0};
    struct Entry {
      uint64_t pair = nobody;
      Merge merge{};
    };
    size_t slot(uint64_t pair) const;

    std::vector<Entry> entries_;
    int shift_;
  };

  struct StringHash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  using Tokens = std::unordered_map<std::string, int32_t, StringHash, std::equal_to<>>;

  int32_t token(std::string_view text) const;
  std::array<int32_t, 256> byte_tokens(const BpeOptions& options) const;

  // Those that a word can begin as: single characters; all of them where merges may be ignored.
  Tokens tokens_;
  // By byte; -1 where there is none. Of byte_level or of byte_fallback.
  std::array<int32_t, 256> bytes_;
  Merges merges_;
  int32_t unknown_ = -1;
  bool fuse_unknown_;
  bool byte_fallback_;
  bool ignore_merges_;
  bool byte_level_;
  bool is_cut_before_metaspace_;
  int64_t vocabulary_size_ = 0;
};

// GPT-2's alphabet: the character that stands for each byte.
const std::array<char32_t, 256>& byte_alphabet();

}  // namespace lmtx::detail
