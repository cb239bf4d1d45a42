#include "lmtx/text/wordpiece_vocabulary.h"

namespace lmtx::detail {

WordPieceVocabulary::WordPieceVocabulary(const WordPieceOptions& options)
    : unknown_(options.vocabulary.at(options.unknown_token)), max_word_characters_(options.max_word_characters) {
  for (const auto& [token, id] : options.vocabulary) {
    beginnings_.insert(token, id);
    if (token.starts_with(options.continuing_prefix)) continuations_.insert(std::string_view(token).substr(options.continuing_prefix.size()), id);
  }
}

void WordPieceVocabulary::append_ids(std::string_view word, size_t num_characters, std::vector<int32_t>& ids) const {
  const size_t before = ids.size();
  bool known = num_characters <= max_word_characters_;
  for (size_t pos = 0; known && pos < word.size();) {
    const ByteTrie::Match piece = (pos == 0 ? beginnings_ : continuations_).longest_match(word.substr(pos));
    known = piece.length > 0;
    if (known) ids.push_back(piece.value);
    pos += piece.length;
  }
  if (known) return;
  ids.resize(before);
  ids.push_back(unknown_);
}

}  // namespace lmtx::detail
