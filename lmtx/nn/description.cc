#include "lmtx/nn/description.h"

#include <limits>
#include <utility>

#include "lmtx/detail/fault.h"
#include "lmtx/detail/quote.h"

namespace lmtx {
namespace {

using detail::fail;
using detail::Json;

// Products of two such numbers fit into 64 bits.
constexpr int64_t largest_size = std::numeric_limits<int32_t>::max();

void check_size(int64_t value, const char* what, const std::string& place) {
  if (value < 1) fail(place, "the " + std::string(what) + " must be at least 1, but is " + std::to_string(value) + ".");
  if (value > largest_size)
    fail(place, "the " + std::string(what) + " must be at most " + std::to_string(largest_size) + ", but is " + std::to_string(value) + ".");
}

void check_probability(double value, const std::string& place) {
  if (!(value >= 0 && value < 1)) fail(place, "dropout must be in [0, 1), but is " + std::to_string(value) + ".");
}

void check_heads(const TransformerSettings& settings, const std::string& place) {
  if (settings.dim % settings.num_heads != 0) {
    fail(place, "the hidden size, " + std::to_string(settings.dim) + ", must be a multiple of the number of attention heads, " +
                    std::to_string(settings.num_heads) + ".");
  }
  const int64_t head_dim = settings.dim / settings.num_heads;
  for (const LayerAttention& attention : settings.attention) {
    if (attention.rope_theta && head_dim % 2 != 0)
      fail(place, "rotary positions need heads of an even size, but the size is " + std::to_string(head_dim) + ".");
  }
}

}  // namespace

void check_config(const Json& config, const std::string& place) {
  const std::string positions = detail::json_string_or(config, "position_embedding_type", "absolute", place);
  if (positions != "absolute") fail(place, "position embeddings of type " + positions + " are not supported; supported is absolute.");
  if (detail::json_boolean_or(config, "is_decoder", false, place)) fail(place, "a decoder (`is_decoder`) is not supported.");
  if (detail::json_boolean_or(config, "add_cross_attention", false, place)) fail(place, "attention to another text (`add_cross_attention`) is not supported.");
  if (says_something(config, "pruned_heads")) fail(place, "`pruned_heads` are not supported.");
  if (says_something(config, "quantization_config")) fail(place, "quantized weights (`quantization_config`) are not supported.");
  if (says_something(config, "auto_map") && config["auto_map"].contains("AutoModel"))
    fail(place, "a network of the folder's own code (`auto_map`) is not supported.");
}

void check_settings(const TransformerSettings& settings, const std::string& place) {
  check_size(settings.dim, "hidden size", place);
  check_size(settings.num_layers, "number of layers", place);
  check_size(settings.num_heads, "number of attention heads", place);
  check_size(settings.inner_dim, "intermediate size", place);
  check_size(settings.vocabulary_size, "vocabulary size", place);
  check_size(settings.max_positions, "number of positions", place);
  if (settings.num_token_types < 0) fail(place, "the number of token types must not be negative, but is " + std::to_string(settings.num_token_types) + ".");
  if (!(settings.layer_norm_eps > 0 && settings.layer_norm_eps < 1))
    fail(place, "layer norm's epsilon must be in (0, 1), but is " + std::to_string(settings.layer_norm_eps) + ".");
  check_heads(settings, place);
  for (double p : {settings.embedding_dropout, settings.attention_dropout, settings.attention_output_dropout, settings.inner_dropout, settings.output_dropout})
    check_probability(p, place);
}

void put_positions_behind(int64_t padding_id, TransformerSettings& settings, const std::string& place) {
  const int64_t rows = settings.max_positions;
  if (padding_id < 0) fail(place, "`pad_token_id` must not be negative, but is " + std::to_string(padding_id) + ".");
  if (rows < 0 || padding_id > rows - 2) {
    fail(place,
         "`max_position_embeddings` must be at least 2 more than the id of padding, " + std::to_string(padding_id) + ", but is " + std::to_string(rows) + ".");
  }
  settings.padding_id = padding_id;
  settings.max_positions = rows - padding_id - 1;
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
