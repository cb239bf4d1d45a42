#include "lmtx/nn/transformer.h"

#include <stdexcept>
#include <utility>

#include "lmtx/nn/grouping.h"
#include "lmtx/nn/safetensors.h"
#include "lmtx/stopped.h"

namespace lmtx {
namespace {

const char* const words_name = "embeddings.word_embeddings.weight";

// Lets a stop request end the backward pass, too, where it reaches `hidden`.
void check_stop_in_backward(const at::Tensor& hidden, const std::stop_token& stop) {
  if (hidden.requires_grad() && stop.stop_possible()) hidden.register_hook([stop](const at::Tensor&) { check_stop(stop); });
}

void check_positive(int64_t value, const char* what, const std::string& place) {
  if (value < 1) throw std::runtime_error(place + ": the " + what + " must be at least 1, but is " + std::to_string(value) + ".");
}

void check_probability(double value, const std::string& place) {
  if (!(value >= 0 && value < 1)) throw std::runtime_error(place + ": dropout must be in [0, 1), but is " + std::to_string(value) + ".");
}

}  // namespace

Transformer::Transformer(ModelFolder folder, TransformerSettings settings, TransformerNames names, Weights weights)
    : folder_(std::move(folder)), settings_(settings), names_(std::move(names)) {
  const std::string prefix = weights.contains(names_.prefix + words_name) ? names_.prefix : "";
  words_ = weights.take(prefix + words_name, {settings_.vocabulary_size, settings_.dim});
  positions_ = weights.take(prefix + "embeddings.position_embeddings.weight", {settings_.max_positions, settings_.dim});
  if (settings_.num_token_types > 0) {
    token_types_ = weights.take(prefix + "embeddings.token_type_embeddings.weight", {settings_.num_token_types, settings_.dim});
  }
  embedding_norm_ = take_norm(weights, prefix + "embeddings.LayerNorm");
  for (int64_t i = 0; i < settings_.num_layers; ++i) layers_.push_back(take_layer(weights, prefix + names_.layers + std::to_string(i) + "."));
  parameters_ = weights.taken();
  unused_ = weights.rest();
}

Transformer::Linear Transformer::take_linear(Weights& weights, const std::string& name, int64_t in, int64_t out) {
  Linear linear;
  linear.weight = weights.take(name + ".weight", {out, in});
  linear.bias = weights.take(name + ".bias", {out});
  return linear;
}

ops::LayerNorm Transformer::take_norm(Weights& weights, const std::string& name) const {
  // Files that were converted from BERT's first release have its names.
  const bool old_names = weights.contains(name + ".gamma");
  ops::LayerNorm norm;
  norm.weight = weights.take(name + (old_names ? ".gamma" : ".weight"), {settings_.dim});
  norm.bias = weights.take(name + (old_names ? ".beta" : ".bias"), {settings_.dim});
  norm.eps = settings_.layer_norm_eps;
  return norm;
}

Transformer::Layer Transformer::take_layer(Weights& weights, const std::string& prefix) const {
  const int64_t dim = settings_.dim;
  Layer layer;
  layer.query = take_linear(weights, prefix + names_.query, dim, dim);
  layer.key = take_linear(weights, prefix + names_.key, dim, dim);
  layer.value = take_linear(weights, prefix + names_.value, dim, dim);
  layer.attention_output = take_linear(weights, prefix + names_.attention_output, dim, dim);
  layer.attention_norm = take_norm(weights, prefix + names_.attention_norm);
  layer.up = take_linear(weights, prefix + names_.up, dim, settings_.inner_dim);
  layer.down = take_linear(weights, prefix + names_.down, settings_.inner_dim, dim);
  layer.output_norm = take_norm(weights, prefix + names_.output_norm);
  return layer;
}

at::Tensor Transformer::forward(const TokenBatch& batch, Dropout* dropout, const std::stop_token& stop) const {
  const GroupedBatch grouped = group_by_length(batch);
  at::Tensor hidden = ops::embed_norm(grouped.batch, words_, positions_, token_types_, embedding_norm_, settings_.embedding_dropout, dropout);
  for (const Layer& layer : layers_) {
    check_stop(stop);
    check_stop_in_backward(hidden, stop);
    hidden = feed_forward(layer, attend(layer, hidden, grouped.batch, dropout), dropout);
  }
  return grouped.restore(ops::pool(hidden, grouped.batch, folder_.pooling.modes));
}

at::Tensor Transformer::attend(const Layer& layer, const at::Tensor& hidden, const TokenBatch& batch, Dropout* dropout) const {
  const at::Tensor query = ops::linear(hidden, layer.query.weight, layer.query.bias);
  const at::Tensor key = ops::linear(hidden, layer.key.weight, layer.key.bias);
  const at::Tensor value = ops::linear(hidden, layer.value.weight, layer.value.bias);
  const at::Tensor mixed = ops::packed_attention(query, key, value, batch, settings_.num_heads, settings_.attention_dropout, dropout);
  const at::Tensor branch = ops::linear(mixed, layer.attention_output.weight, layer.attention_output.bias);
  return ops::residual_norm(hidden, branch, layer.attention_norm, settings_.attention_output_dropout, dropout);
}

at::Tensor Transformer::feed_forward(const Layer& layer, const at::Tensor& hidden, Dropout* dropout) const {
  const at::Tensor inner = ops::bias_activation(ops::linear(hidden, layer.up.weight, {}), layer.up.bias, settings_.activation);
  const at::Tensor branch = ops::linear(inner, layer.down.weight, layer.down.bias);
  return ops::residual_norm(hidden, branch, layer.output_norm, settings_.output_dropout, dropout);
}

std::shared_ptr<SentenceModel> Transformer::clone(at::ScalarType dtype) const {
  if (dtype != at::kFloat && dtype != at::kDouble) throw std::invalid_argument("A model can be cloned to float32 or float64, not to " + std::string(c10::toString(dtype)) + ".");
  NamedTensors copies = unused_;
  for (const auto& [name, tensor] : parameters_) copies.emplace_back(name, tensor.detach().to(dtype, /*non_blocking=*/false, /*copy=*/true));
  return std::make_shared<Transformer>(folder_, settings_, names_, Weights(std::move(copies), folder_.path.string()));
}

void Transformer::save(const std::filesystem::path& folder, int64_t max_length, bool normalize) const {
  write_model_folder(folder, folder_, settings_.dim, max_length > 0 ? max_length : folder_.max_length, normalize);
  NamedTensors tensors;
  for (const auto& [name, tensor] : parameters_) tensors.emplace_back(name, tensor.detach().to(at::kFloat));
  tensors.insert(tensors.end(), unused_.begin(), unused_.end());
  write_safetensors(folder / "model.safetensors", tensors);
}

void check_settings(const TransformerSettings& settings, const std::string& place) {
  check_positive(settings.dim, "hidden size", place);
  check_positive(settings.num_layers, "number of layers", place);
  check_positive(settings.num_heads, "number of attention heads", place);
  check_positive(settings.inner_dim, "intermediate size", place);
  check_positive(settings.vocabulary_size, "vocabulary size", place);
  check_positive(settings.max_positions, "number of positions", place);
  if (settings.num_token_types < 0) throw std::runtime_error(place + ": the number of token types must not be negative, but is " + std::to_string(settings.num_token_types) + ".");
  if (!(settings.layer_norm_eps > 0 && settings.layer_norm_eps < 1)) {
    throw std::runtime_error(place + ": layer norm's epsilon must be in (0, 1), but is " + std::to_string(settings.layer_norm_eps) + ".");
  }
  if (settings.dim % settings.num_heads != 0) {
    throw std::runtime_error(place + ": the hidden size, " + std::to_string(settings.dim) + ", must be a multiple of the number of attention heads, " +
                             std::to_string(settings.num_heads) + ".");
  }
  for (double p : {settings.embedding_dropout, settings.attention_dropout, settings.attention_output_dropout, settings.output_dropout}) check_probability(p, place);
}

ops::Activation parse_activation(const std::string& name, const std::string& place) {
  if (name == "gelu") return ops::Activation::gelu;
  if (name == "gelu_new" || name == "gelu_pytorch_tanh") return ops::Activation::gelu_tanh;
  if (name == "relu") return ops::Activation::relu;
  throw std::runtime_error(place + ": activation " + name + " is not supported; supported are gelu, gelu_new and relu.");
}

}  // namespace lmtx
