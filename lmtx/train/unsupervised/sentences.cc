#include "lmtx/train/unsupervised/sentences.h"

#include <cstddef>

namespace lmtx {

namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool ends_sentence(std::string_view text, size_t pos) {
  const char c = text[pos];
  if (c == '\n') return true;
  return (c == '.' || c == '!' || c == '?') && pos + 1 < text.size() && is_space(text[pos + 1]);
}

}  // namespace

std::vector<std::string_view> split_sentences(std::string_view text) {
  std::vector<std::string_view> sentences;
  size_t begin = 0;
  for (size_t pos = 0; pos < text.size(); ++pos) {
    if (!ends_sentence(text, pos)) continue;
    while (pos + 1 < text.size() && is_space(text[pos + 1])) ++pos;
    sentences.push_back(text.substr(begin, pos + 1 - begin));
    begin = pos + 1;
  }
  if (begin < text.size()) sentences.push_back(text.substr(begin));
  return sentences;
}

}  // namespace lmtx
