// `added_tokens` of tokenizer.json.
#include "lmtx/text/tokenizer_files.h"
#include "lmtx/text/tokenizer_json.h"

namespace lmtx::detail {

namespace {

// Of tokens that are there twice the last counts.
AddedTokenList::Vocabulary places(const std::vector<std::pair<std::string, double>>& scores) {
  AddedTokenList::Vocabulary vocabulary;
  for (size_t id = 0; id < scores.size(); ++id) vocabulary[scores[id].first] = static_cast<int32_t>(id);
  return vocabulary;
}

}  // namespace

AddedToken read_added_token(const Json& token, const std::string& place) {
  return {.content = json_string(token, "content", place),
          .single_word = json_boolean_or(token, "single_word", false, place),
          .lstrip = json_boolean_or(token, "lstrip", false, place),
          .rstrip = json_boolean_or(token, "rstrip", false, place),
          .normalized = json_boolean_or(token, "normalized", false, place)};
}

std::vector<AddedToken> read_added_tokens(const TokenizerJson& tokenizer) {
  const Json& json = tokenizer.json;
  if (!json.contains("added_tokens") || json["added_tokens"].is_null()) return {};
  const AddedTokenList::Vocabulary scored = places(tokenizer.scores);
  AddedTokenList list = tokenizer.scores.empty() ? AddedTokenList(tokenizer.vocabulary) : AddedTokenList(scored, tokenizer.scores.size());
  const std::string place = tokenizer.file + ": `added_tokens`";
  for (const Json& token : require_list(json, "added_tokens", tokenizer.file)) {
    list.add(read_added_token(token, place));
  }
  return list.tokens();
}

}  // namespace lmtx::detail
