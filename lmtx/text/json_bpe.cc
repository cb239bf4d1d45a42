// `model` of the type "BPE" in tokenizer.json.
#include <stdexcept>
#include <string>

#include "lmtx/detail/fault.h"
#include "lmtx/text/bpe_vocabulary.h"
#include "lmtx/text/tokenizer_json.h"

namespace lmtx::detail {

std::optional<std::pair<std::string, std::string>> parse_merge(std::string_view text) {
  const size_t space = text.find(' ');
  if (space == std::string_view::npos || text.find(' ', space + 1) != std::string_view::npos) return std::nullopt;
  return std::pair(std::string(text.substr(0, space)), std::string(text.substr(space + 1)));
}

std::unique_ptr<const WordModel> read_bpe(TokenizerJson& tokenizer, bool byte_level) {
  const Json& model = tokenizer.json["model"];
  const std::string place = tokenizer.file + ": `model`";
  if (tokenizer.vocabulary.empty()) fail(place, "`vocab` must give each token an id.");
  refuse_setting(model, "dropout", 0.0, place);
  refuse_setting(model, "continuing_subword_prefix", "", place);
  refuse_setting(model, "end_of_word_suffix", "", place);
  const BpeOptions options{.vocabulary = std::move(tokenizer.vocabulary),
                           .merges = std::move(tokenizer.merges),
                           .unknown_token = json_string_or(model, "unk_token", "", place),
                           .fuse_unknown = json_boolean_or(model, "fuse_unk", false, place),
                           .byte_fallback = json_boolean_or(model, "byte_fallback", false, place),
                           .ignore_merges = json_boolean_or(model, "ignore_merges", false, place),
                           .byte_level = byte_level};
  if (!options.unknown_token.empty() && !options.vocabulary.contains(options.unknown_token))
    fail(place, "the unknown token \"" + options.unknown_token + "\" is not in `vocab`.");
  try {
    return std::make_unique<BpeVocabulary>(options);
  } catch (const std::invalid_argument& error) {
    fail(place, std::string("`merges`: ") + error.what() + ".");
  }
}

}  // namespace lmtx::detail
