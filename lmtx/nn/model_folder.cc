#include "lmtx/nn/model_folder.h"

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "lmtx/detail/fault.h"
#include "lmtx/detail/files.h"
#include "lmtx/detail/quote.h"
#include "lmtx/text/tokenizer_files.h"

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

// Other classes of that name may do anything.
std::string module_type(const std::string& type, const std::string& place) {
  if (!type.starts_with("sentence_transformers."))
    fail(place, "modules of class " + type + " are not supported; supported are those of sentence_transformers.");
  return type.substr(type.rfind('.') + 1);
}

std::vector<Module> read_modules(const fs::path& folder) {
  const fs::path file = folder / "modules.json";
  if (!fs::exists(file)) {
    if (fs::exists(folder / "config.json")) return {{"Transformer", folder}};
    fail(folder.string(), "is no folder of sentence-transformers or transformers: it has neither modules.json nor config.json.");
  }
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
    modules.push_back({module_type(detail::json_string(module, "type", file.string()), file.string()), folder / path});
  }
  if (modules.size() < 2) fail(file.string(), "a Transformer and a Pooling module are needed, but there are " + std::to_string(modules.size()) + " modules.");
  return modules;
}

// Which kind of module stands at place i of n, or may.
bool fits(const std::string& type, size_t i, size_t n) {
  if (i == 0) return type == "Transformer";
  if (i == 1) return type == "Pooling";
  return type == "Dense" || (i + 1 == n && type == "Normalize");
}

void check_modules(const std::vector<Module>& modules, const std::string& place) {
  for (size_t i = 0; i < modules.size(); ++i) {
    if (fits(modules[i].type, i, modules.size())) continue;
    fail(place, "module " + std::to_string(i) + " is " + modules[i].type +
                    ", which is not supported there; supported are Transformer, Pooling, any number of Dense, then perhaps Normalize.");
  }
}

Json read_optional(const fs::path& file) { return fs::exists(file) ? detail::read_json(file) : Json::object(); }

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
  for (const char* key : {"processing_kwargs", "query_length", "document_length", "query_expansion"}) {
    if (says_something(config, key)) fail(place, "`" + std::string(key) + "` is not supported.");
  }
}

// Arguments for transformers' classes, some of which change what these do.
void check_arguments(const Json& config, const std::string& place) {
  constexpr std::string_view harmless[] = {"add_pooling_layer", "attn_implementation", "dtype",          "low_cpu_mem_usage",
                                           "torch_dtype",       "trust_remote_code",   "use_safetensors"};
  for (const char* key : {"model_args", "model_kwargs", "config_args", "config_kwargs", "tokenizer_args", "processor_kwargs"}) {
    if (!says_something(config, key)) continue;
    if (!config[key].is_object()) fail(place, "`" + std::string(key) + "` must be an object, but is " + config[key].type_name() + " instead.");
    for (const auto& [name, value] : config[key].items()) {
      if (std::find(std::begin(harmless), std::end(harmless), name) == std::end(harmless))
        fail(place, "`" + std::string(key) + "`: " + detail::quote(name) + " is not supported.");
    }
  }
}

void read_transformer_settings(ModelFolder& model) {
  const fs::path file = transformer_settings_file(model.path);
  const Json config = read_optional(file);
  if (!config.is_object()) fail(file.string(), "must be a JSON object.");
  check_is_plain(config, file.string());
  check_arguments(config, file.string());
  model.max_length = detail::json_integer_or(config, "max_seq_length", 0, file.string());
  if (model.max_length < 0) fail(file.string(), "`max_seq_length` must not be negative, but is " + std::to_string(model.max_length) + ".");
  // Sentence-transformers 6 keeps the length only in the tokenizer's configuration.
  if (model.max_length == 0) model.max_length = detail::read_model_max_length(model.path);
  model.lower_case = detail::json_boolean_or(config, "do_lower_case", false, file.string());
}

// In sentence-transformers 6 a Normalize module can scale something else than what Pooling gives.
void check_normalize(const fs::path& module) {
  const fs::path file = module / "config.json";
  const Json config = read_optional(file);
  check_is_of_vectors(config, file.string());
}

// Weights are float32 once they are read; a reader of what we save that follows the configuration must not round them.
Json as_float32(Json config) {
  for (const char* key : {"torch_dtype", "dtype"}) {
    if (config.contains(key)) config[key] = "float32";
  }
  return config;
}

std::string numbered(size_t number, const std::string& type) { return std::to_string(number) + "_" + type; }

Json modules_json(size_t num_dense, bool normalize) {
  std::vector<std::string> types = {"Transformer", "Pooling"};
  types.insert(types.end(), num_dense, "Dense");
  if (normalize) types.emplace_back("Normalize");
  Json list = Json::array();
  for (size_t i = 0; i < types.size(); ++i) {
    list.push_back(
        {{"idx", i}, {"name", std::to_string(i)}, {"path", i == 0 ? "" : numbered(i, types[i])}, {"type", "sentence_transformers.models." + types[i]}});
  }
  return list;
}

// LoRA and its like change the weights when they are loaded.
void check_has_no_adapter(const fs::path& folder) {
  if (fs::exists(folder / "adapter_config.json"))
    fail((folder / "adapter_config.json").string(), "adapters of weights (PEFT) are not supported; merge them into the model.");
}

// Where there are no modules: as sentence-transformers makes them up.
Pooling default_pooling(const Json& config, const std::string& place) {
  const Json classes = config.value("architectures", Json());
  const bool is_causal = classes.is_array() && !classes.empty() && classes[0].is_string() && classes[0].get<std::string>().ends_with("ForCausalLM");
  return {.modes = {is_causal && detail::json_boolean_or(config, "is_causal", true, place) ? PoolingMode::last_token : PoolingMode::mean}};
}

void read_dense_modules(const std::vector<Module>& modules, ModelFolder& model) {
  for (const Module& module : modules) {
    if (module.type != "Dense") continue;
    model.dense.push_back(read_dense(module.path));
    model.dense_paths.push_back(module.path);
  }
}

}  // namespace

std::string dense_folder(size_t i) { return numbered(i + 2, "Dense"); }

ModelFolder read_model_folder(const fs::path& folder) {
  if (!fs::is_directory(folder)) fail(folder.string(), "is no folder.");
  const std::vector<Module> modules = read_modules(folder);
  check_modules(modules, (folder / "modules.json").string());
  for (const Module& module : modules) {
    const fs::path config = module.path / "config.json";
    if (module.type != "Normalize" && !fs::exists(config))
      fail((folder / "modules.json").string(), "the " + module.type + " module needs " + config.string() + ", which is not there.");
  }
  // The transformer of old folders lies in one of its own ("0_Transformer").
  ModelFolder model{.path = modules[0].path, .config = detail::read_json(modules[0].path / "config.json")};
  if (!model.config.is_object()) fail((model.path / "config.json").string(), "must be a JSON object.");
  model.config = as_float32(std::move(model.config));
  check_has_no_adapter(model.path);
  model.pooling = modules.size() > 1 ? read_pooling(modules[1].path / "config.json") : default_pooling(model.config, (model.path / "config.json").string());
  read_dense_modules(modules, model);
  model.normalizes = modules.back().type == "Normalize";
  if (model.normalizes) check_normalize(modules.back().path);
  read_transformer_settings(model);
  return model;
}

void write_model_folder(const fs::path& folder, const ModelFolder& model, int64_t dim, int64_t max_length, bool normalize) {
  detail::write_json(folder / "config.json", model.config);
  detail::write_json(folder / "modules.json", modules_json(model.dense.size(), normalize));
  detail::make_folder(folder / "1_Pooling");
  detail::write_json(folder / "1_Pooling" / "config.json", pooling_json(model.pooling, dim));
  for (size_t i = 0; i < model.dense.size(); ++i) {
    detail::make_folder(folder / dense_folder(i));
    detail::write_json(folder / dense_folder(i) / "config.json", dense_json(model.dense[i]));
  }
  Json transformer = {{"do_lower_case", model.lower_case}};
  if (max_length > 0) transformer["max_seq_length"] = max_length;
  detail::write_json(folder / "sentence_bert_config.json", transformer);
}

bool says_something(const Json& config, const char* key) {
  const auto value = config.find(key);
  return value != config.end() && !value->is_null() && !value->empty() && *value != false;
}

void check_is_of_vectors(const Json& config, const std::string& place) {
  for (const char* key : {"module_input_name", "module_output_name"}) check_value(config, key, "sentence_embedding", place);
}

const std::vector<std::string>& tokenizer_file_names() {
  static const std::vector<std::string> names = {
      "tokenizer.json",          "tokenizer_config.json", "special_tokens_map.json", "vocab.txt", "added_tokens.json", "vocab.json", "merges.txt",
      "sentencepiece.bpe.model", "spiece.model",          "tokenizer.model"};
  return names;
}

}  // namespace lmtx
