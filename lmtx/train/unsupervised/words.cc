#include "lmtx/train/unsupervised/words.h"

#include "lmtx/text/characters.h"
#include "lmtx/text/utf8.h"

namespace lmtx {

std::vector<std::string_view> split_words(std::string_view text) {
  const detail::Characters& characters = detail::Characters::get();
  std::vector<std::string_view> words;
  size_t begin = 0;
  const auto end_word = [&](size_t end) {
    if (end > begin) words.push_back(text.substr(begin, end - begin));
  };
  for (size_t pos = 0; pos < text.size();) {
    const detail::DecodedCharacter decoded = detail::decode_utf8(text, pos);
    if (characters.flags(decoded.code_point) & detail::character::space) {
      end_word(pos);
      begin = pos + decoded.length;
    }
    pos += decoded.length;
  }
  end_word(text.size());
  return words;
}

}  // namespace lmtx
