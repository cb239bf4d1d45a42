#include "lmtx/text/simple_normalizers.h"

#include "lmtx/text/characters.h"
#include "lmtx/text/utf8.h"

namespace lmtx::detail {

namespace {

bool is_space(char32_t c) { return (Characters::get().flags(c) & character::space) != 0; }

}  // namespace

void ReplaceNormalizer::append(std::string_view text, std::string& normalized) const {
  size_t begin = 0;
  for (size_t found = text.find(pattern_); found != std::string_view::npos; found = text.find(pattern_, begin)) {
    normalized.append(text.substr(begin, found - begin)).append(content_);
    begin = found + pattern_.size();
  }
  normalized += text.substr(begin);
}

void ReplaceRunNormalizer::append(std::string_view text, std::string& normalized) const {
  size_t begin = 0;
  for (size_t found = text.find(run_); found != std::string_view::npos; found = text.find(run_, begin)) {
    normalized.append(text.substr(begin, found - begin)).append(content_);
    begin = found + run_.size();
    while (begin < text.size() && text[begin] == character_) ++begin;
  }
  normalized += text.substr(begin);
}

std::string_view StripNormalizer::stripped(std::string_view text) const {
  while (right_ && !text.empty()) {
    const DecodedCharacter last = decode_utf8_before(text, text.size());
    if (!is_space(last.code_point)) break;
    text.remove_suffix(last.length);
  }
  while (left_ && !text.empty()) {
    const DecodedCharacter first = decode_utf8(text, 0);
    if (!is_space(first.code_point)) break;
    text.remove_prefix(first.length);
  }
  return text;
}

}  // namespace lmtx::detail
