#include "lmtx/text/added_tokens.h"

#include <algorithm>
#include <utility>

#include "lmtx/text/characters.h"
#include "lmtx/text/utf8.h"

namespace lmtx::detail {

namespace {

bool is_word_before(std::string_view text, size_t end) {
  return end > 0 && (Characters::get().flags(decode_utf8_before(text, end).code_point) & character::word);
}

bool is_word_at(std::string_view text, size_t begin) {
  return begin < text.size() && (Characters::get().flags(decode_utf8(text, begin).code_point) & character::word);
}

size_t skip_space_back(std::string_view text, size_t end) {
  while (end > 0) {
    const DecodedCharacter before = decode_utf8_before(text, end);
    if (!(Characters::get().flags(before.code_point) & character::space)) break;
    end -= before.length;
  }
  return end;
}

size_t skip_space(std::string_view text, size_t begin) {
  while (begin < text.size()) {
    const DecodedCharacter next = decode_utf8(text, begin);
    if (!(Characters::get().flags(next.code_point) & character::space)) break;
    begin += next.length;
  }
  return begin;
}

}  // namespace

int64_t size_with(int64_t vocabulary_size, const std::vector<AddedToken>& added_tokens) {
  for (const AddedToken& token : added_tokens) vocabulary_size = std::max<int64_t>(vocabulary_size, int64_t{token.id} + 1);
  return vocabulary_size;
}

AddedTokens::AddedTokens(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)) {
  std::erase_if(tokens_, [](const AddedToken& token) { return token.content.empty(); });
  for (size_t i = 0; i < tokens_.size(); ++i) {
    trie_.insert(tokens_[i].content, static_cast<int32_t>(i));
    is_first_byte_[static_cast<unsigned char>(tokens_[i].content[0])] = true;
  }
}

AddedTokens::Found AddedTokens::find(std::string_view text, size_t from) const {
  for (size_t begin = from; begin < text.size(); ++begin) {
    if (!is_first_byte_[static_cast<unsigned char>(text[begin])]) continue;
    const ByteTrie::Match match = trie_.longest_match(text.substr(begin));
    if (match.length > 0) return {&tokens_[match.value], begin, begin + match.length};
  }
  return {};
}

bool AddedTokens::widen(std::string_view text, size_t covered, Found& found) {
  if (found.token->single_word && (is_word_before(text, found.begin) || is_word_at(text, found.end))) return false;
  if (found.token->lstrip) found.begin = std::max(skip_space_back(text, found.begin), covered);
  if (found.token->rstrip) found.end = skip_space(text, found.end);
  return true;
}

}  // namespace lmtx::detail
