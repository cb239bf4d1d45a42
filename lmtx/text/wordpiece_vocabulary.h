// WordPiece: a word becomes the longest tokens that it begins and goes on with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lmtx/text/byte_trie.h"

namespace lmtx::detail {

struct WordPieceOptions {
  // Tokens and their ids.
  std::unordered_map<std::string, int32_t> vocabulary;
  // Stands for a word that cannot be put together; must be in the vocabulary.
  std::string unknown_token = "[UNK]";
  // Before tokens that go on inside a word.
  std::string continuing_prefix = "##";
  // A word of more code points is unknown.
  size_t max_word_characters = 100;
};

class WordPieceVocabulary {
 public:
  explicit WordPieceVocabulary(const WordPieceOptions& options);

  // Appends the ids of a word: one or more. It may be longer than max_word_characters(); what it is then does not matter.
  void append_ids(std::string_view word, size_t num_characters, std::vector<int32_t>& ids) const;
  size_t max_word_characters() const { return max_word_characters_; }

 private:
  ByteTrie beginnings_;
  ByteTrie continuations_;
  int32_t unknown_;
  size_t max_word_characters_;
};

}  // namespace lmtx::detail
