// tokenizer.json: which parts of it are supported, and what they say.
#include "lmtx/text/tokenizer_json.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "lmtx/detail/fault.h"
#include "lmtx/detail/json.h"
#include "lmtx/text/lowercase_normalizer.h"
#include "lmtx/text/pipeline_model.h"
#include "lmtx/text/tokenizer_config.h"
#include "lmtx/text/tokenizer_files.h"
#include "lmtx/text/wordpiece_model.h"

namespace lmtx::detail {

namespace {

WordPieceOptions read_wordpiece_options(TokenizerJson& tokenizer) {
  const Json& model = tokenizer.json["model"];
  const std::string place = tokenizer.file + ": `model`";
  WordPieceOptions options{.vocabulary = std::move(tokenizer.vocabulary)};
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
  if (!is_sequence) return read_bert_normalizer(require_part(json, "normalizer", "BertNormalizer", file), file + ": `normalizer`");
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

// Where tokenizer_config.json sets up a tokenizer of BERT's or MPNet's, transformers goes by it, and takes the vocabulary only from tokenizer.json.
BertNormalizerOptions read_normalizer_settings(const Json& json, const std::filesystem::path& file) {
  const std::filesystem::path config_file = tokenizer_config_file(file.parent_path());
  const Json config = read_tokenizer_config(config_file);
  const BertNormalizerOptions own = read_normalizer(json, file.string());
  const std::string name = tokenizer_class(config, file.parent_path());
  if (!config.contains("do_lower_case") || !(is_bert_class(name) || name == "MPNetTokenizer")) return own;
  BertNormalizerOptions options = bert_settings(config, config_file.string());
  options.lowercase_first = own.lowercase_first;
  return options;
}

TokenizerParts read_wordpiece(TokenizerJson& tokenizer, const std::filesystem::path& file, bool lower_case) {
  const std::vector<AddedToken> added_tokens = read_added_tokens(tokenizer);
  const WordPieceOptions options = read_wordpiece_options(tokenizer);
  require_part(tokenizer.json, "pre_tokenizer", "BertPreTokenizer", tokenizer.file);
  BertNormalizerOptions normalizer = read_normalizer_settings(tokenizer.json, file);
  normalizer.lowercase_first |= lower_case;
  TokenizerParts parts;
  parts.model = std::make_unique<WordPieceModel>(options, normalizer, added_tokens);
  return parts;
}

const char* const metaspace = "\u2581";

// All other models: normalizers, a pre-tokenizer and a model, each for itself.
TokenizerParts read_pipeline(TokenizerJson& tokenizer, bool lower_case) {
  NormalizerChain normalizers;
  if (lower_case) normalizers.add(std::make_unique<LowercaseNormalizer>());
  add_normalizers(tokenizer, normalizers);
  JsonPreTokenizer pre_tokenizer = read_pre_tokenizer(tokenizer);
  const std::vector<AddedToken> added_tokens = read_added_tokens(tokenizer);
  const bool is_unigram = json_string(tokenizer.json["model"], "type", tokenizer.file) == "Unigram";
  if (is_unigram && pre_tokenizer.byte_level) fail(tokenizer.file, "a \"ByteLevel\" `pre_tokenizer` is supported only before a \"BPE\" `model`.");
  std::unique_ptr<const WordModel> words = is_unigram ? read_unigram(tokenizer) : read_bpe(tokenizer, pre_tokenizer.byte_level);
  // Words that are known again and again instead of a text that is one word.
  const bool is_one_word = !find_part(tokenizer.json, "pre_tokenizer", tokenizer.file);
  if (is_one_word && words->is_cut_before(metaspace)) pre_tokenizer.splitter = std::make_unique<MarkSplitter>(metaspace);
  TokenizerParts parts;
  parts.model = std::make_unique<PipelineModel>(std::move(normalizers), std::move(pre_tokenizer.splitter), std::move(words), added_tokens);
  return parts;
}

}  // namespace

TokenizerParts read_tokenizer_json(const std::filesystem::path& file, bool lower_case) {
  TokenizerJson tokenizer = parse_tokenizer_json(file);
  const std::string version = json_string_or(tokenizer.json, "version", "1.0", tokenizer.file);
  if (version != "1.0") fail(tokenizer.file, "`version` is \"" + version + "\", but only \"1.0\" is supported.");
  const Json* model = find_part(tokenizer.json, "model", tokenizer.file);
  if (!model) fail(tokenizer.file, "`model` is not there.");
  const std::string type = json_string(*model, "type", tokenizer.file + ": `model`");
  if (type != "WordPiece" && type != "BPE" && type != "Unigram")
    fail(tokenizer.file, "`model` is of the type \"" + type + "\", but only \"WordPiece\", \"BPE\" and \"Unigram\" are supported.");
  follow_transformers(tokenizer, file.parent_path());
  TokenizerParts parts = type == "WordPiece" ? read_wordpiece(tokenizer, file, lower_case) : read_pipeline(tokenizer, lower_case);
  read_post_processor(tokenizer, parts);
  return parts;
}

}  // namespace lmtx::detail
