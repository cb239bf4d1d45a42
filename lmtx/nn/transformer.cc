#include "lmtx/nn/transformer.h"

#include <stdexcept>
#include <utility>

#include "lmtx/nn/cpu/inference.h"
#ifdef LMTX_CUDA
#include "lmtx/nn/cuda/network.h"
#endif
#include "lmtx/nn/grouping.h"
#include "lmtx/nn/safetensors.h"
#include "lmtx/stopped.h"

namespace lmtx {
namespace {

// Lets a stop request end the backward pass, too, where it reaches `hidden`.
void check_stop_in_backward(const at::Tensor& hidden, const std::stop_token& stop) {
  if (hidden.requires_grad() && stop.stop_possible()) hidden.register_hook([stop](const at::Tensor&) { check_stop(stop); });
}

// The model's own operations, all of them in the parameters' dtype.
class PlainTraining final : public TrainingNetwork {
 public:
  explicit PlainTraining(const SentenceModel& model) : model_(model) {}
  at::Tensor forward(const TokenBatch& batch, Dropout* dropout, const std::stop_token& stop) override { return model_.forward(batch, dropout, stop); }

 private:
  const SentenceModel& model_;
};

}  // namespace

Transformer::Transformer(ModelFolder folder, TransformerSettings settings, TransformerNames names, Weights weights)
    : folder_(std::move(folder)), settings_(std::move(settings)), names_(std::move(names)) {
  const std::string prefix = weights.contains(names_.prefix + names_.words + ".weight") ? names_.prefix : "";
  weights_.embeddings = take_embeddings(weights, prefix);
  weights_.embedding_norm = take_norm(weights, prefix + names_.embedding_norm);
  if (settings_.relative_positions > 0) {
    weights_.relative_positions = weights.take(prefix + names_.relative_positions + ".weight", {settings_.relative_positions, settings_.num_heads});
  }
  for (int64_t i = 0; i < settings_.num_layers; ++i) weights_.layers.push_back(take_layer(weights, prefix + names_.layers + std::to_string(i) + ".", i));
  if (settings_.norm_first) weights_.final_norm = take_norm(weights, prefix + names_.final_norm);
  weights_.head = Head(folder_, settings_.dim, weights);
  parameters_ = weights.taken();
  unused_ = weights.rest();
}

ops::Embeddings Transformer::take_embeddings(Weights& weights, const std::string& prefix) const {
  ops::Embeddings embeddings{.padding_id = settings_.padding_id};
  embeddings.words = weights.take(prefix + names_.words + ".weight", {settings_.vocabulary_size, settings_.dim});
  if (settings_.learned_positions) {
    const int64_t skipped = settings_.padding_id ? *settings_.padding_id + 1 : 0;
    embeddings.positions = weights.take(prefix + names_.positions + ".weight", {skipped + settings_.max_positions, settings_.dim});
  }
  if (settings_.num_token_types > 0) {
    embeddings.token_type = weights.take(prefix + names_.token_types + ".weight", {settings_.num_token_types, settings_.dim});
  }
  return embeddings;
}

ops::LayerNorm Transformer::take_norm(Weights& weights, const std::string& name) const {
  // Files that were converted from BERT's first release have its names.
  const bool old_names = weights.contains(name + ".gamma");
  ops::LayerNorm norm;
  norm.weight = weights.take(name + (old_names ? ".gamma" : ".weight"), {settings_.dim});
  if (settings_.norm_bias) norm.bias = weights.take(name + (old_names ? ".beta" : ".bias"), {settings_.dim});
  norm.eps = settings_.layer_norm_eps;
  return norm;
}

TransformerLayer Transformer::take_layer(Weights& weights, const std::string& prefix, int64_t number) const {
  const int64_t dim = settings_.dim, inputs = static_cast<int64_t>(names_.attention_inputs.size());
  TransformerLayer layer;
  for (const std::string& name : names_.attention_inputs) {
    layer.attention_inputs.push_back(take_linear(weights, prefix + name, dim, 3 / inputs * dim, settings_.attention_bias));
  }
  layer.attention_output = take_linear(weights, prefix + names_.attention_output, dim, dim, settings_.attention_bias);
  if (!settings_.norm_first || number > 0) layer.attention_norm = take_norm(weights, prefix + names_.attention_norm);
  layer.up = take_linear(weights, prefix + names_.up, dim, settings_.inner_dim * (settings_.gated ? 2 : 1), settings_.feed_forward_bias);
  layer.down = take_linear(weights, prefix + names_.down, settings_.inner_dim, dim, settings_.feed_forward_bias);
  layer.output_norm = take_norm(weights, prefix + names_.output_norm);
  if (!settings_.attention.empty()) layer.attention = settings_.attention[number];
  return layer;
}

at::Tensor Transformer::forward(const TokenBatch& batch, Dropout* dropout, const std::stop_token& stop) const {
  const GroupedBatch grouped = group_by_length(batch);
  const Positions positions = positions_of(grouped.batch);
  at::Tensor hidden = ops::embed_norm(grouped.batch, weights_.embeddings, weights_.embedding_norm, settings_.embedding_dropout, dropout);
  for (const TransformerLayer& layer : weights_.layers) {
    check_stop(stop);
    check_stop_in_backward(hidden, stop);
    hidden = feed_forward(layer, attend(layer, hidden, grouped.batch, positions, dropout), dropout);
  }
  if (settings_.norm_first) hidden = ops::norm(hidden, weights_.final_norm);
  return grouped.restore(weights_.head(hidden, grouped.batch));
}

Transformer::Positions Transformer::positions_of(const TokenBatch& batch) const {
  Positions positions;
  for (const LayerAttention& attention : settings_.attention) {
    if (!attention.rope_theta || positions.rotations.contains(*attention.rope_theta)) continue;
    positions.rotations[*attention.rope_theta] =
        ops::rotation(batch, settings_.dim / settings_.num_heads, *attention.rope_theta, weights_.embeddings.words.scalar_type());
  }
  if (weights_.relative_positions.defined()) positions.bias = ops::relative_bias(weights_.relative_positions, batch.max_length);
  return positions;
}

at::Tensor Transformer::attend(const TransformerLayer& layer, const at::Tensor& hidden, const TokenBatch& batch, const Positions& positions, Dropout* dropout) const {
  const bool norms = settings_.norm_first && layer.attention_norm.weight.defined();
  const at::Tensor mixed = mix(layer, norms ? ops::norm(hidden, layer.attention_norm) : hidden, batch, positions, dropout);
  const at::Tensor branch = ops::linear(mixed, layer.attention_output.weight, layer.attention_output.bias);
  return rejoin(hidden, branch, layer.attention_norm, settings_.attention_output_dropout, dropout);
}

at::Tensor Transformer::mix(const TransformerLayer& layer, const at::Tensor& input, const TokenBatch& batch, const Positions& positions, Dropout* dropout) const {
  std::vector<at::Tensor> parts;
  for (const Linear& linear : layer.attention_inputs) parts.push_back(ops::linear(input, linear.weight, linear.bias));
  if (parts.size() == 1) parts = parts.front().chunk(3, 1);
  if (layer.attention.rope_theta) {
    const ops::Rotation& rotation = positions.rotations.at(*layer.attention.rope_theta);
    for (at::Tensor* part : {&parts[0], &parts[1]}) *part = ops::rotate(*part, rotation);
  }
  const ops::Attention attention{
      .num_heads = settings_.num_heads, .window = layer.attention.window, .bias = positions.bias, .dropout_p = settings_.attention_dropout};
  return ops::packed_attention(parts[0], parts[1], parts[2], batch, attention, dropout);
}

at::Tensor Transformer::feed_forward(const TransformerLayer& layer, const at::Tensor& hidden, Dropout* dropout) const {
  const at::Tensor up = ops::linear(settings_.norm_first ? ops::norm(hidden, layer.output_norm) : hidden, layer.up.weight, {});
  const at::Tensor inner = settings_.gated ? ops::gated_activation(up, layer.up.bias, settings_.activation, settings_.inner_dropout, dropout)
                                           : ops::bias_activation(up, layer.up.bias, settings_.activation);
  const at::Tensor branch = ops::linear(inner, layer.down.weight, layer.down.bias);
  return rejoin(hidden, branch, layer.output_norm, settings_.output_dropout, dropout);
}

at::Tensor Transformer::rejoin(const at::Tensor& hidden, const at::Tensor& branch, const ops::LayerNorm& norm, double dropout_p, Dropout* dropout) const {
  return settings_.norm_first ? ops::residual(hidden, branch, dropout_p, dropout) : ops::residual_norm(hidden, branch, norm, dropout_p, dropout);
}

std::unique_ptr<const cpu::Inference> Transformer::prepare(ComputeDtype dtype, const cpu::Kernels* kernels) const {
  return std::make_unique<cpu::Inference>(settings_, weights_, dtype, kernels == nullptr ? cpu::kernels() : *kernels);
}

std::shared_ptr<const cuda::Network> Transformer::prepare_on_card(ComputeDtype dtype) const {
#ifdef LMTX_CUDA
  const bool is_half = dtype == ComputeDtype::bfloat16 || dtype == ComputeDtype::float16;
  if (device().is_cuda() && is_half) return std::make_shared<const cuda::Network>(settings_, weights_, dtype == ComputeDtype::float16 ? at::kHalf : at::kBFloat16);
#endif
  throw std::invalid_argument("A model on " + device().str() + " cannot be computed in " + std::string(name_of(dtype)) + " on a card.");
}

void Transformer::check_trainable(ComputeDtype dtype) const {
  if (dtype == ComputeDtype::float32) return;
#ifdef LMTX_CUDA
  if (device().is_cuda() && dtype == ComputeDtype::bfloat16) return cuda::check_half_precision(settings_, device());
#endif
  throw std::invalid_argument("A model on " + device().str() + " cannot be trained in " + std::string(name_of(dtype)) + "; use float32.");
}

std::unique_ptr<TrainingNetwork> Transformer::training_network(ComputeDtype dtype) const {
  check_trainable(dtype);
#ifdef LMTX_CUDA
  if (dtype == ComputeDtype::bfloat16) return cuda::training_network(settings_, weights_, at::kBFloat16);
#endif
  return std::make_unique<PlainTraining>(*this);
}

std::shared_ptr<SentenceModel> Transformer::clone(at::ScalarType dtype) const {
  if (dtype != at::kFloat && dtype != at::kDouble)
    throw std::invalid_argument("A model can be cloned to float32 or float64, not to " + std::string(c10::toString(dtype)) + ".");
  NamedTensors copies = unused_;
  for (const auto& [name, tensor] : parameters_) copies.emplace_back(name, tensor.detach().to(dtype, /*non_blocking=*/false, /*copy=*/true));
  return std::make_shared<Transformer>(folder_, settings_, names_, Weights(std::move(copies), folder_.path.string()));
}

void Transformer::save(const std::filesystem::path& folder, int64_t max_length, bool normalize) const {
  write_model_folder(folder, folder_, settings_.dim, max_length > 0 ? max_length : folder_.max_length, normalize);
  NamedTensors tensors;
  for (const auto& [name, tensor] : parameters_) tensors.emplace_back(name, tensor.detach().to(at::kFloat));
  tensors.insert(tensors.end(), unused_.begin(), unused_.end());
  write_weights(folder, tensors);
}

}  // namespace lmtx
