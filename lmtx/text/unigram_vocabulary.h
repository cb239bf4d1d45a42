// SentencePiece's unigram model: of all ways to put a word together from tokens, the one with the highest sum of scores.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lmtx/text/byte_trie.h"
#include "lmtx/text/word_model.h"

namespace lmtx::detail {

struct UnigramOptions {
  // Tokens with their scores, logarithms of probabilities; their places are their ids. Of tokens that are the same the last counts.
  std::vector<std::pair<std::string, double>> tokens;
  // Stands for what is not in the vocabulary; unknown characters in a row are one token.
  int32_t unknown = 0;
  // They become the tokens of their bytes, "<0x00>" to "<0xFF>", where these are there.
  bool byte_fallback = false;
};

// Takes time and memory in proportion to a word's length. Of equal sums that counts which was found first, as in `tokenizers`.
class UnigramVocabulary : public WordModel {
 public:
  // Throws std::invalid_argument if `unknown` is no token.
  explicit UnigramVocabulary(UnigramOptions options);

  std::unique_ptr<WordEncoder> make_encoder() const override;
  int64_t vocabulary_size() const override { return static_cast<int64_t>(scores_.size()); }

 private:
  friend class UnigramEncoder;

  ByteTrie trie_;
  std::vector<double> scores_;  // by id
  // By byte; -1 where there is none, or without fallback.
  std::array<int32_t, 256> bytes_;
  int32_t unknown_;
  double unknown_score_;
};

}  // namespace lmtx::detail
