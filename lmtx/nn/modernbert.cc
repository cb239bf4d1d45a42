// ModernBERT (Warner et al. 2024): rotary positions, layers that see a window and layers that see the whole text, gated feed-forward parts.
#include "lmtx/detail/fault.h"
#include "lmtx/detail/quote.h"
#include "lmtx/nn/description.h"

namespace lmtx {
namespace {

using detail::fail;
using detail::Json;

const char* const whole = "full_attention";
const char* const windowed = "sliding_attention";
// So that a broken file does not fill the memory.
constexpr int64_t most_layers = 10'000;

// Of each layer, `whole` or `windowed`: listed, or the first of every `global_attn_every_n_layers` is whole.
std::vector<std::string> layer_types(const Json& config, int64_t num_layers, const std::string& place) {
  const Json listed = config.value("layer_types", Json());
  std::vector<std::string> types;
  if (listed.is_null()) {
    const int64_t every = detail::json_integer_or(config, "global_attn_every_n_layers", 3, place);
    if (every < 1) fail(place, "`global_attn_every_n_layers` must be at least 1, but is " + std::to_string(every) + ".");
    if (num_layers > most_layers)
      fail(place, "`num_hidden_layers` must be at most " + std::to_string(most_layers) + ", but is " + std::to_string(num_layers) + ".");
    for (int64_t i = 0; i < num_layers; ++i) types.push_back(i % every == 0 ? whole : windowed);
    return types;
  }
  if (!listed.is_array() || static_cast<int64_t>(listed.size()) != num_layers)
    fail(place, "`layer_types` must be a list of " + std::to_string(num_layers) + ", one a layer.");
  for (const Json& type : listed) {
    if (type != whole && type != windowed)
      fail(place, "`layer_types` has " + type.dump() + ", which is not supported; supported are full_attention and sliding_attention.");
    types.push_back(type.get<std::string>());
  }
  return types;
}

// The base of the angles, in `parameters` of one type of layer. Positions that are scaled are refused.
double read_theta(const Json& parameters, double otherwise, const std::string& place) {
  if (parameters.is_null()) return otherwise;
  for (const auto& [key, value] : parameters.items()) {
    const bool is_plain = key == "rope_theta" || ((key == "rope_type" || key == "type") && value == "default");
    if (!is_plain && !value.is_null())
      fail(place, detail::quote(key) + " " + value.dump() + " is not supported; supported is `rope_theta` with `rope_type` \"default\".");
  }
  return detail::json_number_or(parameters, "rope_theta", otherwise, place);
}

// As transformers 5 writes them, by type of layer; older files have `old_key`.
double rope_theta(const Json& config, const std::string& layer_type, const char* old_key, double otherwise, const std::string& place) {
  const double old = detail::json_number_or(config, old_key, otherwise, place);
  const Json all = config.value("rope_parameters", Json::object());
  if (all.is_null()) return old;
  if (!all.is_object()) fail(place, "`rope_parameters` must be an object, but is " + std::string(all.type_name()) + " instead.");
  for (const auto& [key, value] : all.items()) {
    if (key != whole && key != windowed)
      fail(place, "`rope_parameters` of " + detail::quote(key) + " are not supported; supported are those of full_attention and sliding_attention.");
  }
  const double theta = read_theta(all.value(layer_type, Json()), old, place + ": `rope_parameters`");
  if (!(theta > 0)) fail(place, "the base of rotary positions must be positive, but is " + std::to_string(theta) + ".");
  return theta;
}

std::vector<LayerAttention> read_attention(const Json& config, int64_t num_layers, const std::string& place) {
  if (const auto scaling = config.find("rope_scaling"); scaling != config.end() && !scaling->is_null()) fail(place, "`rope_scaling` is not supported.");
  const int64_t window = detail::json_integer_or(config, "local_attention", 128, place);
  if (window < 0) fail(place, "`local_attention` must not be negative, but is " + std::to_string(window) + ".");
  const LayerAttention of_whole{.window = {}, .rope_theta = rope_theta(config, whole, "global_rope_theta", 160'000, place)};
  const LayerAttention of_window{.window = window / 2, .rope_theta = rope_theta(config, windowed, "local_rope_theta", 10'000, place)};
  std::vector<LayerAttention> attention;
  for (const std::string& type : layer_types(config, num_layers, place)) attention.push_back(type == whole ? of_whole : of_window);
  return attention;
}

const TransformerNames modernbert_names = {.prefix = "model.",
                                           .words = "embeddings.tok_embeddings",
                                           .embedding_norm = "embeddings.norm",
                                           .final_norm = "final_norm",
                                           .layers = "layers.",
                                           .attention_inputs = {"attn.Wqkv"},
                                           .attention_output = "attn.Wo",
                                           .attention_norm = "attn_norm",
                                           .up = "mlp.Wi",
                                           .down = "mlp.Wo",
                                           .output_norm = "mlp_norm"};

}  // namespace

TransformerDescription describe_modernbert(const Json& config, const std::string& place) {
  TransformerSettings settings{.dim = detail::json_integer(config, "hidden_size", place),
                               .num_layers = detail::json_integer(config, "num_hidden_layers", place),
                               .num_heads = detail::json_integer(config, "num_attention_heads", place),
                               .inner_dim = detail::json_integer(config, "intermediate_size", place),
                               .vocabulary_size = detail::json_integer(config, "vocab_size", place),
                               .max_positions = detail::json_integer(config, "max_position_embeddings", place),
                               .learned_positions = false,
                               .norm_first = true,
                               .gated = true,
                               .attention_bias = detail::json_boolean_or(config, "attention_bias", false, place),
                               .feed_forward_bias = detail::json_boolean_or(config, "mlp_bias", false, place),
                               .norm_bias = detail::json_boolean_or(config, "norm_bias", false, place),
                               .activation = parse_activation(detail::json_string_or(config, "hidden_activation", "gelu", place), place),
                               .layer_norm_eps = detail::json_number_or(config, "norm_eps", 1e-5, place)};
  settings.attention = read_attention(config, settings.num_layers, place);
  settings.embedding_dropout = detail::json_number_or(config, "embedding_dropout", 0, place);
  settings.attention_dropout = settings.attention_output_dropout = detail::json_number_or(config, "attention_dropout", 0, place);
  settings.inner_dropout = detail::json_number_or(config, "mlp_dropout", 0, place);
  return {.settings = settings, .names = modernbert_names};
}

}  // namespace lmtx
