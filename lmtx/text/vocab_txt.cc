// BERT's older files: vocab.txt and tokenizer_config.json.
#include <algorithm>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "lmtx/detail/fault.h"
#include "lmtx/detail/files.h"
#include "lmtx/text/characters.h"
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

// A token is given as a string or as an object with its `content`.
std::string token_content(const Json& token, const std::string& place) {
  return token.is_string() ? token.get<std::string>() : json_string(token, "content", place);
}

std::string config_token(const Json& config, const char* key, const std::string& otherwise, const std::string& place) {
  const auto entry = config.find(key);
  return entry == config.end() || entry->is_null() ? otherwise : token_content(*entry, place + ": `" + key + "`");
}

void check_class(const Json& config, const std::string& place) {
  const std::string name = tokenizer_class(config, place);
  if (is_bert_class(name)) return;
  fail(place, "`tokenizer_class` is \"" + name + "\", but beside a vocab.txt only \"BertTokenizer\" is supported. A tokenizer.json may help.");
}

void add_token(const Json& token, AddedTokenList& list, const std::string& place) {
  const bool plain = token.is_string();
  list.add({.content = token_content(token, place),
            .single_word = !plain && json_boolean_or(token, "single_word", false, place),
            .lstrip = !plain && json_boolean_or(token, "lstrip", false, place),
            .rstrip = !plain && json_boolean_or(token, "rstrip", false, place),
            .normalized = !plain && json_boolean_or(token, "normalized", false, place)});
}

constexpr std::pair<const char*, const char*> special_tokens[] = {
    {"unk_token", "[UNK]"}, {"sep_token", "[SEP]"}, {"pad_token", "[PAD]"}, {"cls_token", "[CLS]"}, {"mask_token", "[MASK]"}};

std::vector<AddedToken> read_added_tokens(const Json& config, const std::unordered_map<std::string, int32_t>& vocabulary, const std::string& place) {
  AddedTokenList list(vocabulary);
  const Json decoder = config.value("added_tokens_decoder", Json::object());
  for (const auto& [id, token] : decoder.items()) add_token(token, list, place + ": `added_tokens_decoder`");
  for (const auto& [key, otherwise] : special_tokens) {
    const auto entry = config.find(key);
    const bool given = entry != config.end() && !entry->is_null();
    if (!list.contains(config_token(config, key, otherwise, place))) add_token(given ? *entry : Json(otherwise), list, place + ": `" + key + "`");
  }
  for (const Json& token : config.value("additional_special_tokens", Json::array())) add_token(token, list, place + ": `additional_special_tokens`");
  return list.tokens();
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
  check_class(config, place);
  WordPieceOptions options{.vocabulary = read_vocabulary(file), .unknown_token = config_token(config, "unk_token", "[UNK]", place)};
  special_id(options, options.unknown_token, file.string());
  BertNormalizerOptions normalizer = bert_settings(config, place);
  normalizer.lowercase_first = lower_case;
  TokenizerParts parts;
  parts.prefix = {special_id(options, config_token(config, "cls_token", "[CLS]", place), file.string())};
  parts.suffix = {special_id(options, config_token(config, "sep_token", "[SEP]", place), file.string())};
  parts.model = std::make_unique<WordPieceModel>(options, normalizer, read_added_tokens(config, options.vocabulary, place));
  return parts;
}

}  // namespace lmtx::detail
