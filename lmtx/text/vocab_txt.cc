// Older files of BERT and MPNet: vocab.txt and tokenizer_config.json.
#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "lmtx/detail/fault.h"
#include "lmtx/detail/files.h"
#include "lmtx/text/characters.h"
#include "lmtx/text/special_tokens.h"
#include "lmtx/text/tokenizer_config.h"
#include "lmtx/text/tokenizer_files.h"
#include "lmtx/text/utf8.h"
#include "lmtx/text/wordpiece_model.h"

namespace lmtx::detail {

namespace {

std::string_view trim_end(std::string_view line) {
  while (!line.empty()) {
    const DecodedCharacter last = decode_utf8_before(line, line.size());
    if (!(Characters::get().flags(last.code_point) & character::space)) break;
    line.remove_suffix(last.length);
  }
  return line;
}

// A line that is there twice counts where it is last.
std::unordered_map<std::string, int32_t> read_vocabulary(const std::filesystem::path& file) {
  std::unordered_map<std::string, int32_t> vocabulary;
  std::istringstream lines(read_file(file, int64_t{1} << 30));
  std::string line;
  for (int32_t id = 0; std::getline(lines, line); ++id) vocabulary[std::string(trim_end(line))] = id;
  return vocabulary;
}

// Their own special tokens: BERT's and MPNet's.
constexpr std::array<NamedToken, 5> bert_tokens{
    {{"unk_token", "[UNK]"}, {"sep_token", "[SEP]"}, {"pad_token", "[PAD]"}, {"cls_token", "[CLS]"}, {"mask_token", "[MASK]"}}};
constexpr std::array<NamedToken, 7> mpnet_tokens{{{"bos_token", "<s>"},
                                                  {"eos_token", "</s>"},
                                                  {"unk_token", "[UNK]"},
                                                  {"sep_token", "</s>"},
                                                  {"pad_token", "<pad>"},
                                                  {"cls_token", "<s>"},
                                                  {"mask_token", "<mask>"}}};

std::span<const NamedToken> named_tokens(const std::string& name, const std::string& place) {
  if (name == "MPNetTokenizer") return mpnet_tokens;
  if (is_bert_class(name)) return bert_tokens;
  fail(place,
       "`tokenizer_class` is \"" + name + "\", but beside a vocab.txt only \"BertTokenizer\" and \"MPNetTokenizer\" are supported. A tokenizer.json may help.");
}

std::string token_of(const Json& config, std::string_view key, std::span<const NamedToken> named, const std::string& place) {
  const auto entry = std::find_if(named.begin(), named.end(), [key](const NamedToken& token) { return token.first == key; });
  return config_token(config, entry->first, entry->second, place);
}

int32_t special_id(const WordPieceOptions& options, const std::string& token, const std::string& place) {
  const auto entry = options.vocabulary.find(token);
  if (entry == options.vocabulary.end()) fail(place, "the special token \"" + token + "\" is not there.");
  return entry->second;
}

}  // namespace

TokenizerParts read_vocab_txt(const std::filesystem::path& file, bool lower_case) {
  const std::filesystem::path config_file = tokenizer_config_file(file.parent_path());
  const std::string place = config_file.string();
  const Json config = read_tokenizer_config(config_file);
  const std::span<const NamedToken> named = named_tokens(tokenizer_class(config, file.parent_path()), place);
  WordPieceOptions options{.vocabulary = read_vocabulary(file), .unknown_token = token_of(config, "unk_token", named, place)};
  special_id(options, options.unknown_token, file.string());
  BertNormalizerOptions normalizer = bert_settings(config, place);
  normalizer.lowercase_first = lower_case;
  AddedTokenList added_tokens(options.vocabulary);
  add_config_tokens(config, named, added_tokens, place);
  TokenizerParts parts;
  parts.prefix = {special_id(options, token_of(config, "cls_token", named, place), file.string())};
  parts.suffix = {special_id(options, token_of(config, "sep_token", named, place), file.string())};
  parts.model = std::make_unique<WordPieceModel>(options, normalizer, added_tokens.tokens());
  return parts;
}

}  // namespace lmtx::detail
