#include "lmtx/text/special_tokens.h"

#include <unordered_map>
#include <utility>

#include "lmtx/detail/fault.h"
#include "lmtx/text/tokenizer_config.h"
#include "lmtx/text/tokenizer_json.h"

namespace lmtx::detail {

namespace {

// A token is given as a string or as an object with its `content`.
std::string token_content(const Json& token, const std::string& place) {
  return token.is_string() ? token.get<std::string>() : json_string(token, "content", place);
}

void add_token(const Json& token, AddedTokenList& list, const std::string& place) {
  list.add(token.is_string() ? AddedToken{.content = token.get<std::string>()} : read_added_token(token, place));
}

// Json looks keys up one by one, which is no way to find a million.
void replace_members(Json& object, Json& by) {
  auto& members = object.get_ref<Json::object_t&>();
  std::unordered_map<std::string, size_t> places;
  for (size_t i = 0; i < members.size(); ++i) places[members.begin()[static_cast<std::ptrdiff_t>(i)].first] = i;
  for (auto& [key, value] : by.get_ref<Json::object_t&>()) {
    if (const auto place = places.find(key); place != places.end()) {
      members.begin()[static_cast<std::ptrdiff_t>(place->second)].second = std::move(value);
    } else {
      members.emplace_back(key, std::move(value));
    }
  }
}

}  // namespace

TokenizerSettings read_settings_with_tokens(const std::filesystem::path& folder) {
  const std::filesystem::path config_file = tokenizer_config_file(folder);
  TokenizerSettings settings{read_tokenizer_config(config_file), config_file.string()};
  if (settings.config.contains("added_tokens_decoder")) return settings;
  const std::filesystem::path added = folder / "added_tokens.json";
  if (std::filesystem::exists(added)) fail(added.string(), "this file is not supported. A tokenizer.json may help.");
  const std::filesystem::path file = folder / "special_tokens_map.json";
  if (!std::filesystem::exists(file)) return settings;
  Json map = read_json(file);
  if (!map.is_object()) fail(file.string(), "expected a JSON object, but found " + std::string(map.type_name()) + " instead.");
  replace_members(settings.config, map);
  settings.place += " with " + file.filename().string();
  return settings;
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
