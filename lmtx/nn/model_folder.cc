#include "lmtx/nn/model_folder.h"

#include <stdexcept>
#include <string_view>
#include <utility>

#include "lmtx/detail/fault.h"
#include "lmtx/detail/files.h"
#include "lmtx/detail/quote.h"

namespace lmtx {
namespace {

namespace fs = std::filesystem;
using detail::Json;

using detail::fail;

// Of a module's folder, within the model's.
constexpr size_t max_path_bytes = 200;

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
    const std::string normal = path.lexically_normal().string();
    if (path.is_absolute() || normal.starts_with("..")) fail(file.string(), "`path` must stay in the folder, but is " + path.string() + ".");
    if (normal.size() > max_path_bytes || detail::one_line(normal, max_path_bytes) != normal) {
      fail(file.string(), "`path` must be the name of a folder, but is " + detail::quote(normal) + ".");
    }
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

Json read_optional(const fs::path& file) { return fs::exists(file) ? detail::read_json(file) : Json::object(); }

// Sentence-transformers 6 keeps the length only in the tokenizer's configuration. There 1e30 stands for "no limit".
int64_t tokenizer_length(const fs::path& folder) {
  const fs::path file = folder / "tokenizer_config.json";
  const double length = detail::json_number_or(read_optional(file), "model_max_length", 0, file.string());
  return length > 0 && length < 1e9 ? static_cast<int64_t>(length) : 0;
}

// The settings of the Transformer module; the first versions named the file after the network.
fs::path transformer_settings_file(const fs::path& folder) {
  for (const char* network : {"bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet"}) {
    const fs::path file = folder / ("sentence_" + std::string(network) + "_config.json");
    if (fs::exists(file)) return file;
  }
  return folder / "sentence_bert_config.json";
}

// `key` may be missing, or say what is done anyway.
void check_value(const Json& config, const char* key, const char* supported, const std::string& place) {
  const std::string value = detail::json_string_or(config, key, supported, place);
  if (value != supported) fail(place, "`" + std::string(key) + "` " + detail::quote(value) + " is not supported; supported is `" + supported + "`.");
}

// Sentence-transformers 6 can take something else out of the network than its last hidden states, and call the tokenizer in other ways.
void check_is_plain(const Json& config, const std::string& place) {
  check_value(config, "transformer_task", "feature-extraction", place);
  check_value(config, "module_output_name", "token_embeddings", place);
  const Json modalities = config.value("modality_config", Json::object());
  const Json text = modalities.is_object() ? modalities.value("text", Json::object()) : modalities;
  check_value(text, "method", "forward", place + ": `modality_config`");
  check_value(text, "method_output_name", "last_hidden_state", place + ": `modality_config`");
  if (const auto calls = config.find("processing_kwargs"); calls != config.end() && !calls->empty()) fail(place, "`processing_kwargs` are not supported.");
}

void read_transformer_settings(ModelFolder& model) {
  const fs::path file = transformer_settings_file(model.path);
  const Json config = read_optional(file);
  if (!config.is_object()) fail(file.string(), "must be a JSON object.");
  check_is_plain(config, file.string());
  model.max_length = detail::json_integer_or(config, "max_seq_length", 0, file.string());
  if (model.max_length < 0) fail(file.string(), "`max_seq_length` must not be negative, but is " + std::to_string(model.max_length) + ".");
  if (model.max_length == 0) model.max_length = tokenizer_length(model.path);
  model.lower_case = detail::json_boolean_or(config, "do_lower_case", false, file.string());
}

// In sentence-transformers 6 a Normalize module can scale something else than what Pooling gives.
void check_normalize(const fs::path& module) {
  const fs::path file = module / "config.json";
  const Json config = read_optional(file);
  for (const char* key : {"module_input_name", "module_output_name"}) check_value(config, key, "sentence_embedding", file.string());
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

}  // namespace

ModelFolder read_model_folder(const fs::path& folder) {
  if (!fs::is_directory(folder)) fail(folder.string(), "is no folder.");
  const std::vector<Module> modules = read_modules(folder);
  check_modules(modules, (folder / "modules.json").string());
  for (const Module& module : {modules[0], modules[1]}) {
    const fs::path config = module.path / "config.json";
    if (!fs::exists(config)) fail((folder / "modules.json").string(), "the " + module.type + " module needs " + config.string() + ", which is not there.");
  }
  // The transformer of old folders lies in one of its own ("0_Transformer").
  ModelFolder model{.path = modules[0].path,
                    .config = detail::read_json(modules[0].path / "config.json"),
                    .pooling = read_pooling(modules[1].path / "config.json")};
  if (!model.config.is_object()) fail((model.path / "config.json").string(), "must be a JSON object.");
  model.config = as_float32(std::move(model.config));
  model.normalizes = modules.size() == 3;
  if (model.normalizes) check_normalize(modules[2].path);
  read_transformer_settings(model);
  return model;
}

void write_model_folder(const fs::path& folder, const ModelFolder& model, int64_t dim, int64_t max_length, bool normalize) {
  detail::write_json(folder / "config.json", model.config);
  detail::write_json(folder / "modules.json", modules_json(normalize));
  detail::make_folder(folder / "1_Pooling");
  detail::write_json(folder / "1_Pooling" / "config.json", pooling_json(model.pooling, dim));
  Json transformer = {{"do_lower_case", model.lower_case}};
  if (max_length > 0) transformer["max_seq_length"] = max_length;
  detail::write_json(folder / "sentence_bert_config.json", transformer);
}

const std::vector<std::string>& tokenizer_file_names() {
  static const std::vector<std::string> names = {"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt", "added_tokens.json",
                                                 "vocab.json", "merges.txt", "sentencepiece.bpe.model", "spiece.model", "tokenizer.model"};
  return names;
}

}  // namespace lmtx
