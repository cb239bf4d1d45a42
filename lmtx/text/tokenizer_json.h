// tokenizer.json, read: how its parts are found in it. Each function throws std::runtime_error naming the file and the part that is broken or not supported.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "lmtx/detail/json.h"
#include "lmtx/text/added_tokens.h"
#include "lmtx/text/pre_tokenizer.h"
#include "lmtx/text/subword_model.h"
#include "lmtx/text/text_normalizer.h"
#include "lmtx/text/word_model.h"

namespace lmtx::detail {

struct TokenizerJson {
  std::string file;
  // All but what follows, which is large.
  Json json;
  // `model.vocab` where it gives tokens ids, and where it lists tokens with their scores.
  std::unordered_map<std::string, int32_t> vocabulary;
  std::vector<std::pair<std::string, double>> scores;
  // These scores as the nearest doubles; `scores` are those that `tokenizers` reads, which may be next to them.
  std::vector<double> exact_scores;
  // `model.merges`
  std::vector<std::pair<std::string, std::string>> merges;
};

TokenizerJson parse_tokenizer_json(const std::filesystem::path& file);
// Changes what transformers changes: of the tokenizers of XLM-RoBERTa and RoBERTa it takes only the vocabulary, the added tokens and the post-processor from
// tokenizer.json; the other parts are built by the class that tokenizer_config.json or config.json in `folder` names.
void follow_transformers(TokenizerJson& tokenizer, const std::filesystem::path& folder);

// An id of a token: from 0 to 2^31 - 2.
int32_t token_id(const Json& value, const std::string& token, const std::string& place);
const Json& require_list(const Json& object, const char* key, const std::string& place);
// The part under `key`; null where there is none.
const Json* find_part(const Json& json, const char* key, const std::string& place);
// The part under `key`, which must be of the type `supported`.
const Json& require_part(const Json& json, const char* key, const std::string& supported, const std::string& place);
// `key` must be missing, null or what it is by default.
void refuse_setting(const Json& part, const char* key, const Json& by_default, const std::string& place);

struct JsonPreTokenizer {
  std::unique_ptr<const PreTokenizer> splitter;
  // Texts go on as bytes.
  bool byte_level = false;
};

// Adds the steps of `normalizer`.
void add_normalizers(const TokenizerJson& tokenizer, NormalizerChain& chain);
JsonPreTokenizer read_pre_tokenizer(const TokenizerJson& tokenizer);
// "a b": two tokens with a space between them, and nothing else.
std::optional<std::pair<std::string, std::string>> parse_merge(std::string_view text);
std::unique_ptr<const WordModel> read_bpe(TokenizerJson& tokenizer, bool byte_level);
std::unique_ptr<const WordModel> read_unigram(TokenizerJson& tokenizer);
// Of an object with `content`; its id is not set.
AddedToken read_added_token(const Json& token, const std::string& place);
std::vector<AddedToken> read_added_tokens(const TokenizerJson& tokenizer);
// Sets prefix and suffix.
void read_post_processor(const TokenizerJson& tokenizer, TokenizerParts& parts);

}  // namespace lmtx::detail
