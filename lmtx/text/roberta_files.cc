// The files of RoBERTa's tokenizer without a tokenizer.json: vocab.json, merges.txt and tokenizer_config.json.
#include <algorithm>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

#include "lmtx/detail/fault.h"
#include "lmtx/detail/files.h"
#include "lmtx/text/bpe_vocabulary.h"
#include "lmtx/text/byte_level_splitter.h"
#include "lmtx/text/lowercase_normalizer.h"
#include "lmtx/text/pipeline_model.h"
#include "lmtx/text/special_tokens.h"
#include "lmtx/text/tokenizer_files.h"
#include "lmtx/text/tokenizer_json.h"

namespace lmtx::detail {

namespace {

std::unordered_map<std::string, int32_t> read_vocabulary(const std::filesystem::path& file) {
  const Json json = read_json(file);
  if (!json.is_object() || json.empty()) fail(file.string(), "expected a JSON object of tokens and ids.");
  std::unordered_map<std::string, int32_t> vocabulary;
  for (const auto& [token, id] : json.items()) vocabulary[token] = token_id(id, token, file.string());
  return vocabulary;
}

// A pair of tokens a line, the first to be merged first.
std::vector<std::pair<std::string, std::string>> read_merges(const std::filesystem::path& file) {
  std::vector<std::pair<std::string, std::string>> merges;
  std::istringstream lines(read_file(file, int64_t{1} << 30));
  std::string line;
  for (int64_t number = 1; std::getline(lines, line); ++number) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.starts_with("#version")) continue;
    auto merge = parse_merge(line);
    if (!merge) fail(file.string(), "line " + std::to_string(number) + " must be two tokens with a space between them.");
    merges.push_back(std::move(*merge));
  }
  return merges;
}

}  // namespace

TokenizerParts read_roberta_files(const std::filesystem::path& vocabulary_file, const std::filesystem::path& merges_file, bool lower_case) {
  const auto [config, place] = read_settings_with_tokens(vocabulary_file.parent_path());
  const BpeOptions options{.vocabulary = read_vocabulary(vocabulary_file), .merges = read_merges(merges_file), .unknown_token = {}, .byte_level = true};
  AddedTokenList list(options.vocabulary);
  add_config_tokens(config, roberta_tokens, list, place);
  const auto id_of = [&, &config = config, &place = place](const char* key, const char* otherwise) {
    const std::string token = config_token(config, key, otherwise, place);
    const auto added = std::find_if(list.tokens().begin(), list.tokens().end(), [&](const AddedToken& t) { return t.content == token; });
    if (added == list.tokens().end()) fail(place, "`" + std::string(key) + "` must not be empty.");
    return added->id;
  };
  TokenizerParts parts;
  parts.prefix = {id_of("cls_token", "<s>")};
  parts.suffix = {id_of("sep_token", "</s>")};
  NormalizerChain normalizers;
  if (lower_case) normalizers.add(std::make_unique<LowercaseNormalizer>());
  const ByteLevelOptions byte_level{.add_prefix_space = json_boolean_or(config, "add_prefix_space", false, place)};
  try {
    parts.model = std::make_unique<PipelineModel>(std::move(normalizers), std::make_unique<ByteLevelSplitter>(byte_level),
                                                  std::make_unique<BpeVocabulary>(options), list.tokens());
  } catch (const std::invalid_argument& error) {
    fail(merges_file.string(), "with " + vocabulary_file.filename().string() + " beside it: " + error.what() + ".");
  }
  return parts;
}

}  // namespace lmtx::detail
