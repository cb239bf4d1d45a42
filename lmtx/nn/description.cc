#include "lmtx/nn/description.h"

#include <stdexcept>
#include <utility>

#include "lmtx/detail/quote.h"

namespace lmtx {
namespace {

using detail::Json;

[[noreturn]] void fail(const std::string& place, const std::string& fault) { throw std::runtime_error(place + ": " + fault); }

void check_positive(int64_t value, const char* what, const std::string& place) {
  if (value < 1) fail(place, "the " + std::string(what) + " must be at least 1, but is " + std::to_string(value) + ".");
}

void check_probability(double value, const std::string& place) {
  if (!(value >= 0 && value < 1)) fail(place, "dropout must be in [0, 1), but is " + std::to_string(value) + ".");
}

void check_heads(const TransformerSettings& settings, const std::string& place) {
  if (settings.dim % settings.num_heads != 0) {
    fail(place, "the hidden size, " + std::to_string(settings.dim) + ", must be a multiple of the number of attention heads, " + std::to_string(settings.num_heads) + ".");
  }
  const int64_t head_dim = settings.dim / settings.num_heads;
  for (const LayerAttention& attention : settings.attention) {
    if (attention.rope_theta && head_dim % 2 != 0) fail(place, "rotary positions need heads of an even size, but the size is " + std::to_string(head_dim) + ".");
  }
}

bool says_something(const Json& config, const char* key) {
  const auto value = config.find(key);
  return value != config.end() && !value->is_null() && !value->empty() && *value != false;
}

}  // namespace

void check_config(const Json& config, const std::string& place) {
  const std::string positions = detail::json_string_or(config, "position_embedding_type", "absolute", place);
  if (positions != "absolute") fail(place, "position embeddings of type " + positions + " are not supported; supported is absolute.");
  if (detail::json_boolean_or(config, "is_decoder", false, place)) fail(place, "a decoder (`is_decoder`) is not supported.");
  if (detail::json_boolean_or(config, "add_cross_attention", false, place)) fail(place, "attention to another text (`add_cross_attention`) is not supported.");
  if (says_something(config, "pruned_heads")) fail(place, "`pruned_heads` are not supported.");
  if (says_something(config, "quantization_config")) fail(place, "quantized weights (`quantization_config`) are not supported.");
  if (says_something(config, "auto_map") && config["auto_map"].contains("AutoModel")) fail(place, "a network of the folder's own code (`auto_map`) is not supported.");
}

void check_settings(const TransformerSettings& settings, const std::string& place) {
  check_positive(settings.dim, "hidden size", place);
  check_positive(settings.num_layers, "number of layers", place);
  check_positive(settings.num_heads, "number of attention heads", place);
  check_positive(settings.inner_dim, "intermediate size", place);
  check_positive(settings.vocabulary_size, "vocabulary size", place);
  check_positive(settings.max_positions, "number of positions", place);
  check_heads(settings, place);
  for (double p : {settings.embedding_dropout, settings.attention_dropout, settings.attention_output_dropout, settings.inner_dropout, settings.output_dropout})
    check_probability(p, place);
}

ops::Activation parse_activation(const std::string& name, const std::string& place) {
  if (name == "gelu") return ops::Activation::gelu;
  if (name == "gelu_new" || name == "gelu_pytorch_tanh") return ops::Activation::gelu_tanh;
  if (name == "relu") return ops::Activation::relu;
  if (name == "silu" || name == "swish") return ops::Activation::silu;
  if (name == "tanh") return ops::Activation::tanh;
  fail(place, "activation " + name + " is not supported; supported are gelu, gelu_new, gelu_pytorch_tanh, relu, silu, swish and tanh.");
}

}  // namespace lmtx
