#include "lmtx/text/metaspace_splitter.h"

#include "lmtx/text/characters.h"
#include "lmtx/text/utf8.h"

namespace lmtx::detail {

namespace {

// Bytes that white space begins with (U+0009 to U+000D, U+0020, U+0085, U+00A0, U+1680, U+2000 to U+205F, U+3000).
bool may_begin_space(unsigned char byte) {
  return byte == ' ' || (byte >= 9 && byte <= 13) || (byte >= 0xc2 && (byte == 0xc2 || (byte >= 0xe1 && byte <= 0xe3)));
}

// The length of the white space at `pos`; 0 if there is none.
size_t space_length(std::string_view text, size_t pos) {
  if (!may_begin_space(static_cast<unsigned char>(text[pos]))) return 0;
  const DecodedCharacter decoded = decode_utf8(text, pos);
  return Characters::get().flags(decoded.code_point) & character::space ? decoded.length : 0;
}

}  // namespace

void MetaspaceSplitter::split(std::string_view text, std::string& buffer, WordSink& sink) const {
  size_t begin = 0;
  for (size_t pos = 0; options_.split_at_white_space && pos < text.size();) {
    const size_t length = space_length(text, pos);
    if (length > 0 && begin < pos && !split_part(text.substr(begin, pos - begin), buffer, sink)) return;
    pos += length > 0 ? length : 1;
    if (length > 0) begin = pos;
  }
  if (begin < text.size()) split_part(text.substr(begin), buffer, sink);
}

bool MetaspaceSplitter::split_part(std::string_view text, std::string& buffer, WordSink& sink) const {
  return options_.split ? split_marked(text, buffer, sink) : take_whole(text, buffer, sink);
}

MetaspaceSplitter::Mark MetaspaceSplitter::next_mark(std::string_view text, size_t begin) const {
  const std::string& mark = options_.replacement;
  for (size_t pos = begin; pos < text.size(); ++pos) {
    if (text[pos] == ' ') return {pos, 1};
    if (text[pos] == mark[0] && text.substr(pos).starts_with(mark)) return {pos, mark.size()};
  }
  return {text.size(), 0};
}

// A word is a mark and what stands up to the next one; before the first mark there may be a word without it.
bool MetaspaceSplitter::split_marked(std::string_view text, std::string& buffer, WordSink& sink) const {
  Mark mark = next_mark(text, 0);
  if (mark.begin > 0 && !options_.prepend) {
    if (!sink.take(text.substr(0, mark.begin))) return false;
  } else if (mark.begin > 0) {
    mark = {0, 0};
  }
  while (mark.begin < text.size()) {
    const size_t word = mark.begin + mark.length;
    const Mark next = next_mark(text, word);
    buffer.assign(options_.replacement).append(text.substr(word, next.begin - word));
    if (!sink.take(buffer)) return false;
    mark = next;
  }
  return true;
}

bool MetaspaceSplitter::take_whole(std::string_view text, std::string& buffer, WordSink& sink) const {
  buffer.clear();
  const bool marked = text.starts_with(' ') || text.starts_with(options_.replacement);
  if (options_.prepend && !marked) buffer += options_.replacement;
  for (const char byte : text) {
    if (byte == ' ') {
      buffer += options_.replacement;
    } else {
      buffer += byte;
    }
  }
  return sink.take(buffer);
}

}  // namespace lmtx::detail
