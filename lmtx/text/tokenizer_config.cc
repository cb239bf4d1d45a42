#include "lmtx/text/tokenizer_config.h"

#include <algorithm>
#include <array>
#include <map>

#include "lmtx/detail/fault.h"
#include "lmtx/text/tokenizer_files.h"

namespace lmtx::detail {

namespace {

constexpr std::array bert_classes{"BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer", "MobileBertTokenizer"};

// What transformers has where tokenizer_config.json names no class.
std::string class_of_model(const std::filesystem::path& folder) {
  static const std::map<std::string, std::string> classes{
      {"camembert", "CamembertTokenizer"}, {"mpnet", "MPNetTokenizer"}, {"roberta", "RobertaTokenizer"}, {"xlm-roberta", "XLMRobertaTokenizer"}};
  const std::filesystem::path file = folder / "config.json";
  const std::string type = std::filesystem::exists(file) ? json_string_or(read_json(file), "model_type", "", file.string()) : "";
  const auto entry = classes.find(type);
  return entry == classes.end() ? bert_classes[0] : entry->second;
}

}  // namespace

std::filesystem::path tokenizer_config_file(const std::filesystem::path& folder) { return folder / "tokenizer_config.json"; }

Json read_tokenizer_config(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) return Json::object();
  Json config = read_json(file);
  if (!config.is_object()) fail(file.string(), "expected a JSON object, but found " + std::string(config.type_name()) + " instead.");
  return config;
}

std::string tokenizer_class(const Json& config, const std::filesystem::path& folder) {
  std::string name = json_string_or(config, "tokenizer_class", class_of_model(folder), tokenizer_config_file(folder).string());
  if (name.ends_with("Fast")) name.resize(name.size() - 4);
  return name;
}

bool is_bert_class(const std::string& name) { return std::find(bert_classes.begin(), bert_classes.end(), name) != bert_classes.end(); }

BertNormalizerOptions bert_settings(const Json& config, const std::string& place) {
  BertNormalizerOptions options;
  options.lowercase = json_boolean_or(config, "do_lower_case", true, place);
  options.handle_chinese_chars = json_boolean_or(config, "tokenize_chinese_chars", true, place);
  options.strip_accents = json_boolean_or(config, "strip_accents", options.lowercase, place);
  return options;
}

int64_t read_model_max_length(const std::filesystem::path& folder) {
  const std::filesystem::path file = tokenizer_config_file(folder);
  const double length = json_number_or(read_tokenizer_config(file), "model_max_length", 0, file.string());
  // Where there is no limit transformers writes 1e30.
  return length >= 1 && length < 1e9 ? static_cast<int64_t>(length) : 0;
}

}  // namespace lmtx::detail
