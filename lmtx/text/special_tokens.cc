#include "lmtx/text/special_tokens.h"

#include <stdexcept>

namespace lmtx::detail {

namespace {

// A token is given as a string or as an object with its `content`.
std::string token_content(const Json& token, const std::string& place) {
  return token.is_string() ? token.get<std::string>() : json_string(token, "content", place);
}

void add_token(const Json& token, AddedTokenList& list, const std::string& place) {
  const bool plain = token.is_string();
  list.add({.content = token_content(token, place),
            .single_word = !plain && json_boolean_or(token, "single_word", false, place),
            .lstrip = !plain && json_boolean_or(token, "lstrip", false, place),
            .rstrip = !plain && json_boolean_or(token, "rstrip", false, place),
            .normalized = !plain && json_boolean_or(token, "normalized", false, place)});
}

}  // namespace

Json with_special_tokens_map(Json config, const std::filesystem::path& folder) {
  if (config.contains("added_tokens_decoder")) return config;
  const std::filesystem::path added = folder / "added_tokens.json";
  if (std::filesystem::exists(added)) throw std::runtime_error(added.string() + ": this file is not supported. A tokenizer.json may help.");
  const std::filesystem::path file = folder / "special_tokens_map.json";
  if (!std::filesystem::exists(file)) return config;
  const Json map = read_json(file);
  for (const auto& [key, token] : map.items()) config[key] = token;
  return config;
}

std::string config_token(const Json& config, const char* key, const std::string& otherwise, const std::string& place) {
  const auto entry = config.find(key);
  return entry == config.end() || entry->is_null() ? otherwise : token_content(*entry, place + ": `" + key + "`");
}

void add_config_tokens(const Json& config, std::span<const NamedToken> named, AddedTokenList& list, const std::string& place) {
  const Json decoder = config.value("added_tokens_decoder", Json::object());
  for (const auto& [id, token] : decoder.items()) add_token(token, list, place + ": `added_tokens_decoder`");
  for (const auto& [key, otherwise] : named) {
    const auto entry = config.find(key);
    const bool given = entry != config.end() && !entry->is_null();
    if (!list.contains(config_token(config, key, otherwise, place))) add_token(given ? *entry : Json(otherwise), list, place + ": `" + key + "`");
  }
  for (const Json& token : config.value("additional_special_tokens", Json::array())) add_token(token, list, place + ": `additional_special_tokens`");
}

}  // namespace lmtx::detail
