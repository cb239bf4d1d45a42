// How transformers (seen in 5.23) changes what tokenizer.json says.
#include <string>

#include "lmtx/detail/fault.h"
#include "lmtx/text/tokenizer_config.h"
#include "lmtx/text/tokenizer_json.h"

namespace lmtx::detail {

namespace {

// The map of characters, by itself or in a sequence; null if there is none.
Json find_charsmap(const Json& normalizer) {
  if (!normalizer.is_object()) return nullptr;
  if (normalizer.value("type", Json()) == "Precompiled") return normalizer;
  const Json steps = normalizer.value("normalizers", Json::array());
  for (const Json& step : steps) {
    if (step.is_object() && step.value("type", Json()) == "Precompiled") return step;
  }
  return nullptr;
}

void follow_xlm_roberta(TokenizerJson& tokenizer, const Json& config, const std::string& place) {
  Json& json = tokenizer.json;
  const char* scheme = json_boolean_or(config, "add_prefix_space", true, place) ? "always" : "never";
  json["normalizer"] = find_charsmap(json.value("normalizer", Json()));
  json["pre_tokenizer"] = {
      {"type", "Sequence"},
      {"pretokenizers", Json::array({{{"type", "WhitespaceSplit"}}, {{"type", "Metaspace"}, {"replacement", "\u2581"}, {"prepend_scheme", scheme}}})}};
  json["model"] = {{"type", "Unigram"}, {"unk_id", 3}};
  // They come through Python.
  for (size_t id = 0; id < tokenizer.scores.size(); ++id) tokenizer.scores[id].second = tokenizer.exact_scores[id];
}

void follow_roberta(TokenizerJson& tokenizer, const Json& config, const std::string& place) {
  Json& json = tokenizer.json;
  json["normalizer"] = nullptr;
  json["pre_tokenizer"] = {{"type", "ByteLevel"}, {"add_prefix_space", json_boolean_or(config, "add_prefix_space", false, place)}};
  json["model"] = {{"type", "BPE"}};
}

}  // namespace

void follow_transformers(TokenizerJson& tokenizer, const std::filesystem::path& folder) {
  const std::filesystem::path config_file = tokenizer_config_file(folder);
  const Json config = read_tokenizer_config(config_file);
  const std::string name = tokenizer_class(config, folder);
  const Json type = tokenizer.json["model"].value("type", Json());
  // Transformers rebuilds it in a way of its own.
  if (name == "CamembertTokenizer") fail(config_file.string(), "tokenizers of the class \"" + name + "\" are not supported.");
  if (name == "XLMRobertaTokenizer" && type == "Unigram") follow_xlm_roberta(tokenizer, config, config_file.string());
  if (name == "RobertaTokenizer" && type == "BPE") follow_roberta(tokenizer, config, config_file.string());
}

}  // namespace lmtx::detail
