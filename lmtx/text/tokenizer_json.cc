// tokenizer.json: which parts of it are supported, and what they say.
#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "lmtx/detail/fault.h"
#include "lmtx/detail/files.h"
#include "lmtx/detail/json.h"
#include "lmtx/text/tokenizer_config.h"
#include "lmtx/text/tokenizer_files.h"
#include "lmtx/text/wordpiece_model.h"

namespace lmtx::detail {

namespace {

using Vocabulary = std::unordered_map<std::string, int32_t>;

int32_t token_id(const Json& value, const std::string& token, const std::string& place) {
  constexpr int64_t largest = std::numeric_limits<int32_t>::max() - 1;
  const bool fits = value.is_number_unsigned() && value.get<uint64_t>() <= static_cast<uint64_t>(largest);
  if (!fits) fail(place, "the id of the token \"" + token + "\" must be an integer from 0 to " + std::to_string(largest) + ", but is " + value.dump() + " instead.");
  return value.get<int32_t>();
}

// Parses the file. The entries of model.vocab go into `vocabulary`: Json looks keys up one by one, which is no way to keep 30,000 of them.
Json parse_tokenizer(const std::filesystem::path& file, Vocabulary& vocabulary) {
  using Event = Json::parse_event_t;
  const std::string place = file.string();
  std::array<std::string, 2> keys;  // The path to where the parser is.
  std::string token;
  const auto keep = [&](int depth, Event event, Json& value) {
    const bool in_vocabulary = depth == 3 && keys[0] == "model" && keys[1] == "vocab";
    if (in_vocabulary && event == Event::key) token = value.get<std::string>();
    if (in_vocabulary && event == Event::value) vocabulary[token] = token_id(value, token, place + ": `model.vocab`");
    if (depth == 1 || depth == 2) {
      if (event == Event::key) keys[depth - 1] = value.get<std::string>();
      if (event == Event::array_start) keys[depth - 1].clear();  // Lists are kept: other models have some under these names.
    }
    return !in_vocabulary;
  };
  return parse_json(read_file(file, int64_t{1} << 30), place, keep);
}

const Json& require_list(const Json& object, const char* key, const std::string& place) {
  const auto entry = object.find(key);
  if (entry == object.end() || !entry->is_array()) fail(place, "`" + std::string(key) + "` must be a list.");
  return *entry;
}

// The part under `key`, which must be of the type `supported`.
const Json& part(const Json& json, const char* key, const std::string& supported, const std::string& place) {
  const auto entry = json.find(key);
  const bool there = entry != json.end() && entry->is_object();
  if (!there) fail(place, "`" + std::string(key) + "` is not there, but only a \"" + supported + "\" is supported.");
  const std::string type = json_string(*entry, "type", place + ": `" + key + "`");
  if (type != supported) fail(place, "`" + std::string(key) + "` is of the type \"" + type + "\", but only \"" + supported + "\" is supported.");
  return *entry;
}

WordPieceOptions read_model(const Json& json, Vocabulary vocabulary, const std::string& file) {
  const Json& model = part(json, "model", "WordPiece", file);
  const std::string place = file + ": `model`";
  WordPieceOptions options{.vocabulary = std::move(vocabulary)};
  options.unknown_token = json_string_or(model, "unk_token", options.unknown_token, place);
  options.continuing_prefix = json_string_or(model, "continuing_subword_prefix", options.continuing_prefix, place);
  const int64_t max_characters = json_integer_or(model, "max_input_chars_per_word", static_cast<int64_t>(options.max_word_characters), place);
  if (max_characters < 0) fail(place, "`max_input_chars_per_word` must not be negative, but is " + std::to_string(max_characters) + " instead.");
  options.max_word_characters = static_cast<size_t>(max_characters);
  if (!options.vocabulary.contains(options.unknown_token)) fail(place, "the unknown token \"" + options.unknown_token + "\" is not in `vocab`.");
  return options;
}

BertNormalizerOptions read_bert_normalizer(const Json& normalizer, const std::string& place) {
  BertNormalizerOptions options;
  options.clean_text = json_boolean_or(normalizer, "clean_text", options.clean_text, place);
  options.handle_chinese_chars = json_boolean_or(normalizer, "handle_chinese_chars", options.handle_chinese_chars, place);
  options.lowercase = json_boolean_or(normalizer, "lowercase", options.lowercase, place);
  options.strip_accents = json_boolean_or(normalizer, "strip_accents", options.lowercase, place);
  return options;
}

// A BertNormalizer, perhaps behind a Lowercase, as sentence-transformers writes for `do_lower_case`.
BertNormalizerOptions read_normalizer(const Json& json, const std::string& file) {
  const auto normalizer = json.find("normalizer");
  const bool is_sequence = normalizer != json.end() && normalizer->is_object() && normalizer->value("type", Json()) == "Sequence";
  if (!is_sequence) return read_bert_normalizer(part(json, "normalizer", "BertNormalizer", file), file + ": `normalizer`");
  const std::string place = file + ": `normalizer`";
  const Json& steps = require_list(*normalizer, "normalizers", place);
  const auto type_of = [&](const Json& step) { return json_string(step, "type", place); };
  const auto is_lowercase = [&](const Json& step) { return type_of(step) == "Lowercase"; };
  const bool supported = !steps.empty() && type_of(steps.back()) == "BertNormalizer" && std::all_of(steps.begin(), steps.end() - 1, is_lowercase);
  if (!supported) fail(place, "of the type \"Sequence\" only a \"Lowercase\" before a \"BertNormalizer\" is supported.");
  BertNormalizerOptions options = read_bert_normalizer(steps.back(), place);
  options.lowercase_first = steps.size() > 1;
  return options;
}

// Where tokenizer_config.json sets up BERT's tokenizer, transformers goes by it, and takes the vocabulary only from tokenizer.json.
BertNormalizerOptions read_normalizer_settings(const Json& json, const std::filesystem::path& file) {
  const std::filesystem::path config_file = tokenizer_config_file(file.parent_path());
  const Json config = read_tokenizer_config(config_file);
  const BertNormalizerOptions own = read_normalizer(json, file.string());
  if (!config.contains("do_lower_case") || !is_bert_class(tokenizer_class(config, config_file.string()))) return own;
  BertNormalizerOptions options = bert_settings(config, config_file.string());
  options.lowercase_first = own.lowercase_first;
  return options;
}

std::vector<AddedToken> read_added_tokens(const Json& json, const Vocabulary& vocabulary, const std::string& file) {
  AddedTokenList list(vocabulary);
  if (!json.contains("added_tokens") || json["added_tokens"].is_null()) return {};
  const std::string place = file + ": `added_tokens`";
  for (const Json& token : require_list(json, "added_tokens", file)) {
    list.add({.content = json_string(token, "content", place),
              .single_word = json_boolean_or(token, "single_word", false, place),
              .lstrip = json_boolean_or(token, "lstrip", false, place),
              .rstrip = json_boolean_or(token, "rstrip", false, place),
              .normalized = json_boolean_or(token, "normalized", false, place)});
  }
  return list.tokens();
}

// ["[CLS]", 101]
std::vector<int32_t> read_bert_token(const Json& processor, const char* key, const std::string& place) {
  const Json& pair = require_list(processor, key, place);
  if (pair.size() != 2 || !pair[0].is_string()) fail(place, "`" + std::string(key) + "` must be a token and its id.");
  return {token_id(pair[1], pair[0].get<std::string>(), place)};
}

std::vector<int32_t> template_ids(const Json& processor, const Json& piece, const std::string& place) {
  const std::string token = json_string(piece, "id", place);
  const Json special_tokens = processor.value("special_tokens", Json::object());
  if (!special_tokens.is_object() || !special_tokens.contains(token)) fail(place, "\"" + token + "\" is not in `special_tokens`.");
  std::vector<int32_t> ids;
  for (const Json& id : require_list(special_tokens[token], "ids", place)) ids.push_back(token_id(id, token, place));
  return ids;
}

void read_template(const Json& processor, TokenizerParts& parts, const std::string& place) {
  int texts = 0;
  for (const Json& piece : require_list(processor, "single", place)) {
    if (piece.is_object() && piece.contains("SpecialToken")) {
      const std::vector<int32_t> ids = template_ids(processor, piece["SpecialToken"], place);
      auto& side = texts == 0 ? parts.prefix : parts.suffix;
      side.insert(side.end(), ids.begin(), ids.end());
    } else if (piece.is_object() && piece.contains("Sequence") && json_string(piece["Sequence"], "id", place) == "A") {
      ++texts;
    } else {
      fail(place, "`single` has a piece that is not supported: " + piece.dump() + ".");
    }
  }
  if (texts != 1) fail(place, "`single` must have the text once, but has it " + std::to_string(texts) + " times.");
}

void read_post_processor(const Json& json, TokenizerParts& parts, const std::string& file) {
  const auto processor = json.find("post_processor");
  if (processor == json.end() || processor->is_null()) return;
  const std::string place = file + ": `post_processor`";
  const std::string type = json_string(*processor, "type", place);
  if (type == "TemplateProcessing") return read_template(*processor, parts, place);
  if (type != "BertProcessing") fail(file, "`post_processor` is of the type \"" + type + "\", but only \"TemplateProcessing\" and \"BertProcessing\" are supported.");
  parts.prefix = read_bert_token(*processor, "cls", place);
  parts.suffix = read_bert_token(*processor, "sep", place);
}

}  // namespace

TokenizerParts read_tokenizer_json(const std::filesystem::path& file, bool lower_case) {
  const std::string place = file.string();
  Vocabulary vocabulary;
  const Json json = parse_tokenizer(file, vocabulary);
  const std::string version = json_string_or(json, "version", "1.0", place);
  if (version != "1.0") fail(place, "`version` is \"" + version + "\", but only \"1.0\" is supported.");
  const WordPieceOptions options = read_model(json, std::move(vocabulary), place);
  part(json, "pre_tokenizer", "BertPreTokenizer", place);
  BertNormalizerOptions normalizer = read_normalizer_settings(json, file);
  normalizer.lowercase_first |= lower_case;
  TokenizerParts parts;
  parts.model = std::make_unique<WordPieceModel>(options, normalizer, read_added_tokens(json, options.vocabulary, place));
  read_post_processor(json, parts, place);
  return parts;
}

}  // namespace lmtx::detail
