#include "lmtx/text/byte_level_splitter.h"

#include <array>

#include "lmtx/text/pattern_classes.h"
#include "lmtx/text/utf8.h"

namespace lmtx::detail {

namespace {

class Cutter {
 public:
  explicit Cutter(std::string_view text) : text_(text) {}

  // Where the word ends that begins at `begin`, which is inside the text.
  size_t end_of_word(size_t begin) const {
    if (text_[begin] == '\'') {
      if (const size_t length = contraction(text_.substr(begin + 1)); length > 0) return begin + 1 + length;
    }
    // A plain space belongs to the word behind it.
    const size_t first = text_[begin] == ' ' && begin + 1 < text_.size() ? begin + 1 : begin;
    const Character character = at(first);
    if (character.kind != PatternClass::space) return end_of_run(character.end, character.kind);
    return end_of_space(begin);
  }

 private:
  struct Character {
    PatternClass kind;
    size_t end;
  };

  // s, t, re, ve, m, ll or d: its length, else 0.
  static size_t contraction(std::string_view text) {
    static constexpr std::array<std::string_view, 7> endings{"s", "t", "re", "ve", "m", "ll", "d"};
    for (std::string_view ending : endings) {
      if (text.starts_with(ending)) return ending.size();
    }
    return 0;
  }

  Character at(size_t pos) const {
    const auto byte = static_cast<unsigned char>(text_[pos]);
    if (byte < 0x80) return {classes_[byte], pos + 1};
    const DecodedCharacter decoded = decode_utf8(text_, pos);
    return {classes_[decoded.code_point], pos + decoded.length};
  }

  size_t end_of_run(size_t end, PatternClass kind) const {
    while (end < text_.size()) {
      const Character next = at(end);
      if (next.kind != kind) break;
      end = next.end;
    }
    return end;
  }

  // All white space at the end of the text; before a word all but the last, which is then looked at again, unless it is the only one.
  size_t end_of_space(size_t begin) const {
    size_t last = begin;
    size_t end = begin;
    while (end < text_.size()) {
      const Character next = at(end);
      if (next.kind != PatternClass::space) return last > begin ? last : end;
      last = end;
      end = next.end;
    }
    return end;
  }

  std::string_view text_;
  const PatternClasses& classes_ = PatternClasses::get();
};

}  // namespace

void ByteLevelSplitter::split(std::string_view text, std::string& buffer, WordSink& sink) const {
  if (options_.add_prefix_space && text[0] != ' ') {
    buffer.assign(1, ' ').append(text);
    text = buffer;
  }
  if (!options_.use_regex) {
    sink.take(text);
    return;
  }
  const Cutter cutter(text);
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = cutter.end_of_word(begin);
    if (!sink.take(text.substr(begin, end - begin))) return;
    begin = end;
  }
}

}  // namespace lmtx::detail
