#include "lmtx/nn/model_folder.h"

#include <stdexcept>
#include <string_view>
#include <utility>

#include "lmtx/detail/files.h"

namespace lmtx {
namespace {

namespace fs = std::filesystem;
using detail::Json;

[[noreturn]] void fail(const std::string& place, const std::string& fault) { throw std::runtime_error(place + ": " + fault); }

struct Module {
  // The class without its Python module, which differs between the dialects: "Pooling".
  std::string type;
  fs::path path;
};

std::string last_part(const std::string& type) { return type.substr(type.rfind('.') + 1); }

std::vector<Module> read_modules(const fs::path& folder) {
  const fs::path file = folder / "modules.json";
  if (!fs::exists(file)) fail(folder.string(), "is no sentence-transformers folder: it has no modules.json.");
  const Json json = detail::read_json(file);
  if (!json.is_array()) fail(file.string(), "must be a list of modules.");
  std::vector<Module> modules;
  for (const Json& module : json) {
    const fs::path path = detail::json_string_or(module, "path", "", file.string());
    if (path.is_absolute() || path.lexically_normal().string().starts_with("..")) fail(file.string(), "`path` must stay in the folder, but is " + path.string() + ".");
    modules.push_back({last_part(detail::json_string(module, "type", file.string())), folder / path});
  }
  return modules;
}

// Transformer, Pooling and perhaps Normalize: all that is supported so far.
void check_modules(const std::vector<Module>& modules, const std::string& place) {
  constexpr std::string_view expected[] = {"Transformer", "Pooling", "Normalize"};
  for (size_t i = 0; i < modules.size(); ++i) {
    if (i < 3 && modules[i].type == expected[i]) continue;
    fail(place, "module " + std::to_string(i) + " is " + modules[i].type + ", which is not supported there; supported are Transformer, Pooling, then perhaps Normalize.");
  }
  if (modules.size() < 2) fail(place, "a Transformer and a Pooling module are needed, but there are " + std::to_string(modules.size()) + " modules.");
}

// "mean", or a list of the modes where several are joined. Sentence-transformers 6 writes one entry, older versions a switch for each mode.
std::string pooling_mode(const Json& config, const std::string& place) {
  if (config.contains("pooling_mode")) return config["pooling_mode"].is_string() ? config["pooling_mode"].get<std::string>() : config["pooling_mode"].dump();
  constexpr std::string_view prefix = "pooling_mode_", suffix = "_tokens";
  std::string modes;
  for (const auto& [key, value] : config.items()) {
    if (!key.starts_with(prefix) || !detail::json_boolean_or(config, key.c_str(), false, place)) continue;
    std::string mode = key.substr(prefix.size());
    if (mode == "mean_tokens" || mode == "max_tokens") mode.resize(mode.size() - suffix.size());
    modes += (modes.empty() ? "" : ", ") + mode;
  }
  return modes.empty() ? "mean" : modes;
}

void check_pooling(const fs::path& module) {
  const fs::path file = module / "config.json";
  const Json config = detail::read_json(file);
  if (!config.is_object()) fail(file.string(), "must be a JSON object.");
  const std::string mode = pooling_mode(config, file.string());
  if (mode != "mean") fail(file.string(), "pooling by " + mode + " is not supported; supported is mean.");
  if (!detail::json_boolean_or(config, "include_prompt", true, file.string())) fail(file.string(), "`include_prompt` false is not supported.");
}

Json read_optional(const fs::path& file) { return fs::exists(file) ? detail::read_json(file) : Json::object(); }

// Sentence-transformers 6 keeps the length only in the tokenizer's configuration. There 1e30 stands for "no limit".
int64_t tokenizer_length(const fs::path& folder) {
  const fs::path file = folder / "tokenizer_config.json";
  const double length = detail::json_number_or(read_optional(file), "model_max_length", 0, file.string());
  return length > 0 && length < 1e9 ? static_cast<int64_t>(length) : 0;
}

void read_transformer_settings(ModelFolder& model) {
  const fs::path file = model.path / "sentence_bert_config.json";
  const Json config = read_optional(file);
  model.max_length = detail::json_integer_or(config, "max_seq_length", 0, file.string());
  if (model.max_length < 0) fail(file.string(), "`max_seq_length` must not be negative, but is " + std::to_string(model.max_length) + ".");
  if (model.max_length == 0) model.max_length = tokenizer_length(model.path);
  model.lower_case = detail::json_boolean_or(config, "do_lower_case", false, file.string());
}

// Weights are float32 once they are read; a reader of what we save that follows the configuration must not round them.
Json as_float32(Json config) {
  for (const char* key : {"torch_dtype", "dtype"}) {
    if (config.contains(key)) config[key] = "float32";
  }
  return config;
}

const char* module_type(std::string_view name) {
  if (name == "Transformer") return "sentence_transformers.models.Transformer";
  if (name == "Pooling") return "sentence_transformers.models.Pooling";
  return "sentence_transformers.models.Normalize";
}

Json modules_json(bool normalize) {
  std::vector<std::pair<std::string, std::string>> modules = {{"Transformer", ""}, {"Pooling", "1_Pooling"}};
  if (normalize) modules.emplace_back("Normalize", "2_Normalize");
  Json list = Json::array();
  for (const auto& [name, path] : modules) {
    list.push_back({{"idx", list.size()}, {"name", std::to_string(list.size())}, {"path", path}, {"type", module_type(name)}});
  }
  return list;
}

Json pooling_json(int64_t dim) {
  return {{"word_embedding_dimension", dim},   {"pooling_mode_cls_token", false},           {"pooling_mode_mean_tokens", true},
          {"pooling_mode_max_tokens", false}, {"pooling_mode_mean_sqrt_len_tokens", false}, {"include_prompt", true}};
}

}  // namespace

std::string ModelFolder::default_prompt() const {
  const std::string place = (path / "config_sentence_transformers.json").string();
  const std::string name = detail::json_string_or(sentence_transformers, "default_prompt_name", "", place);
  if (name.empty()) return "";
  if (!sentence_transformers.contains("prompts")) fail(place, "`default_prompt_name` is " + name + ", but there are no `prompts`.");
  return detail::json_string(sentence_transformers["prompts"], name.c_str(), place);
}

ModelFolder read_model_folder(const fs::path& folder) {
  if (!fs::is_directory(folder)) fail(folder.string(), "is no folder.");
  const std::vector<Module> modules = read_modules(folder);
  check_modules(modules, (folder / "modules.json").string());
  check_pooling(modules[1].path);
  // The transformer of old folders lies in one of its own ("0_Transformer").
  ModelFolder model{.path = modules[0].path, .config = detail::read_json(modules[0].path / "config.json")};
  if (!model.config.is_object()) fail((model.path / "config.json").string(), "must be a JSON object.");
  model.config = as_float32(std::move(model.config));
  model.sentence_transformers = read_optional(folder / "config_sentence_transformers.json");
  model.normalizes = modules.size() == 3;
  read_transformer_settings(model);
  model.default_prompt();
  return model;
}

void write_model_folder(const fs::path& folder, const ModelFolder& model, int64_t dim, int64_t max_length, bool normalize) {
  detail::write_json(folder / "config.json", model.config);
  detail::write_json(folder / "modules.json", modules_json(normalize));
  detail::make_folder(folder / "1_Pooling");
  detail::write_json(folder / "1_Pooling" / "config.json", pooling_json(dim));
  Json transformer = {{"do_lower_case", model.lower_case}};
  if (max_length > 0) transformer["max_seq_length"] = max_length;
  detail::write_json(folder / "sentence_bert_config.json", transformer);
  if (!model.sentence_transformers.empty()) detail::write_json(folder / "config_sentence_transformers.json", model.sentence_transformers);
}

const std::vector<std::string>& tokenizer_file_names() {
  static const std::vector<std::string> names = {"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt", "added_tokens.json",
                                                 "vocab.json", "merges.txt", "sentencepiece.bpe.model", "spiece.model", "tokenizer.model"};
  return names;
}

}  // namespace lmtx
