#include "lmtx/nn/cuda/network.h"

#include <ATen/Context.h>
#include <ATen/core/grad_mode.h>
#include <ATen/cuda/CUDAContextLight.h>
#include <ATen/ops/_foreach_copy.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/mm.h>
#include <c10/cuda/CUDAGuard.h>

#include <algorithm>
#include <stdexcept>
#include <string>

#include "lmtx/stopped.h"

namespace lmtx::cuda {
namespace {

constexpr int64_t most_columns = 2048;

void check_width(int64_t width, int64_t most, const char* what) {
  if (width % 8 == 0 && width <= most) return;
  throw std::invalid_argument(std::string("Half precision on a card takes networks whose ") + what + " is a multiple of 8" +
                              (most == most_columns ? " and at most 2048" : "") + ", but it is " + std::to_string(width) + "; use float32.");
}

// x weight^T + bias; bias undefined: none.
at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias = {}) {
  return bias.defined() ? at::addmm(bias, x, weight.t()) : at::mm(x, weight.t());
}

// The gradient of a product's weight, float32 [out, in].
at::Tensor weight_gradient(const at::Tensor& out_gradient, const at::Tensor& in) { return at::mm(out_gradient.t(), in, at::kFloat); }

// `gradient` is that of the products' biases side by side.
void add_bias_gradients(std::span<const Linear> linears, const at::Tensor& gradient) {
  int64_t row = 0;
  for (const Linear& linear : linears) {
    const int64_t rows = linear.weight.size(0);
    if (linear.bias.defined()) add_gradient(linear.bias, gradient.narrow(0, row, rows));
    row += rows;
  }
}

}  // namespace

void check_half_precision(const TransformerSettings& settings, at::Device device) {
  const auto* card = at::cuda::getDeviceProperties(device.index());
  if (card->major < 8) {
    throw std::invalid_argument("Half precision needs a card of compute capability 8.0 or newer, but " + device.str() + " (" + card->name + ") has " +
                                std::to_string(card->major) + "." + std::to_string(card->minor) + "; use float32.");
  }
  check_width(settings.dim, most_columns, "width");
  check_width(settings.inner_dim, INT64_MAX, "width between the two products of the feed-forward part");
}

Network::Network(const TransformerSettings& settings, const TransformerWeights& weights, at::ScalarType dtype)
    : settings_(settings), weights_(weights), dtype_(dtype), side_(weights.embeddings.words.device()) {
  check_half_precision(settings, weights.embeddings.words.device());
  const at::NoGradGuard no_grad;
  const auto count = static_cast<int64_t>(weights_.layers.size());
  for (int64_t i = 0; i < count; ++i) {
    const TransformerLayer& layer = weights_.layers[i];
    const ops::LayerNorm& next = i + 1 < count ? weights_.layers[i + 1].attention_norm : weights_.final_norm;
    if (settings_.norm_first) {
      copy_layer(layer, layer.output_norm, next);
    } else {
      copy_layer(layer, layer.attention_norm, layer.output_norm);
    }
  }
}

void Network::copy_layer(const TransformerLayer& layer, const ops::LayerNorm& attention_norm, const ops::LayerNorm& output_norm) {
  std::vector<at::Tensor> weights, biases;
  for (const Linear& input : layer.attention_inputs) {
    weights.push_back(input.weight);
    if (input.bias.defined()) biases.push_back(input.bias);
  }
  layers_.push_back({.master = &layer,
                     .inputs = shadow(weights),
                     .inputs_bias = biases.empty() ? at::Tensor() : shadow(biases),
                     .output = shadow({layer.attention_output.weight}),
                     .up = shadow({layer.up.weight}),
                     .down = shadow({layer.down.weight}),
                     .attention_norm = &attention_norm,
                     .output_norm = &output_norm,
                     .frequencies = frequencies_of(layer.attention)});
}

at::Tensor Network::shadow(const std::vector<at::Tensor>& parts) {
  const at::Tensor copy = at::cat(parts).to(dtype_);
  int64_t row = 0;
  for (const at::Tensor& part : parts) {
    copies_.push_back(copy.narrow(0, row, part.size(0)));
    masters_.push_back(part.detach());
    row += part.size(0);
  }
  return copy;
}

at::Tensor Network::frequencies_of(const LayerAttention& attention) {
  if (!attention.rope_theta) return {};
  at::Tensor& frequencies = frequencies_[*attention.rope_theta];
  if (!frequencies.defined()) {
    frequencies = ops::rotary_frequencies(settings_.dim / settings_.num_heads, *attention.rope_theta).to(weights_.embeddings.words.device());
  }
  return frequencies;
}

void Network::refresh() {
  const at::NoGradGuard no_grad;
  at::_foreach_copy_(copies_, masters_);
}

Positions Network::positions_of(const TokenBatch& batch, Tape* tape) const {
  Positions positions;
  positions.short_ones = short_sequences(batch);
  if (weights_.embeddings.positions.defined() || !frequencies_.empty()) positions.places = token_positions(batch, weights_.embeddings.padding_id);
  if (!weights_.relative_positions.defined()) return positions;
  const at::AutoGradMode with_gradients(tape != nullptr);
  const at::Tensor bias = ops::relative_bias(weights_.relative_positions, batch.max_length);
  if (tape != nullptr) tape->relative_bias = bias;
  positions.bias = bias.detach().contiguous();
  positions.rounded_bias = positions.bias.to(dtype_);
  return positions;
}

AttentionCall Network::call_of(const Layer& layer, const TokenBatch& batch, const Positions& positions) const {
  return {.layer = layer.master->attention,
          .frequencies = layer.frequencies,
          .batch = batch,
          .positions = positions,
          .num_heads = settings_.num_heads,
          .dropout_p = settings_.attention_dropout};
}

at::Tensor Network::pooled(const TokenBatch& batch, Dropout* dropout, Tape* tape, const std::stop_token& stop) const {
  const at::NoGradGuard no_grad;
  const c10::cuda::CUDAGuard on_card(weights_.embeddings.words.device());
  if (weights_.embeddings.positions.defined()) ops::check_length(batch.max_length, weights_.embeddings.max_length());
  const Positions positions = positions_of(batch, tape);
  const DropoutMask mask = draw_mask(dropout, settings_.embedding_dropout);
  const at::Tensor embedded = embed_norm(batch, positions.places, weights_.embeddings, weights_.embedding_norm, mask, dtype_);
  Stream stream{embedded, embedded};
  for (const Layer& layer : layers_) {
    check_stop(stop);
    LayerTape* layer_tape = tape == nullptr ? nullptr : &tape->layers.emplace_back();
    stream = run_layer(layer, stream, batch, positions, dropout, layer_tape);
  }
  if (tape != nullptr) {
    tape->batch = batch;
    tape->positions = positions;
    tape->embedding_mask = mask;
    tape->hidden = stream.norm;
    tape->stop = stop;
  }
  return pool(stream.norm, batch, weights_.head.modes());
}

at::Tensor Network::forward(const TokenBatch& batch, const std::stop_token& stop) const {
  const at::NoGradGuard no_grad;
  return weights_.head.finish(pooled(batch, nullptr, nullptr, stop));
}

Network::Stream Network::run_layer(const Layer& layer, const Stream& in, const TokenBatch& batch, const Positions& positions, Dropout* dropout,
                                   LayerTape* tape) const {
  const TransformerLayer& master = *layer.master;
  const bool keep = tape != nullptr;
  const Keep kept = keep ? Keep::moments : settings_.norm_first ? Keep::sum : Keep::norm;
  const at::Tensor qkv = linear(in.norm, layer.inputs, layer.inputs_bias);
  const at::Tensor attended = attend(call_of(layer, batch, positions), qkv, dropout, keep ? &tape->attention : nullptr);
  const DropoutMask attention_mask = draw_mask(dropout, settings_.attention_output_dropout);
  const Sum middle = add_norm(in.sum, linear(attended, layer.output), master.attention_output.bias, *layer.attention_norm, attention_mask, kept);
  const at::Tensor up = linear(middle.norm, layer.up);
  const DropoutMask inner_mask = settings_.gated ? draw_mask(dropout, settings_.inner_dropout) : DropoutMask{};
  const at::Tensor inner = activate(up, master.up.bias, settings_.activation, settings_.gated, inner_mask);
  const DropoutMask output_mask = draw_mask(dropout, settings_.output_dropout);
  const at::Tensor& residual = settings_.norm_first ? middle.sum : middle.norm;
  const Sum out = add_norm(residual, linear(inner, layer.down), master.down.bias, *layer.output_norm, output_mask, kept);
  if (keep) {
    *tape = {.input = in.norm,
             .up = up,
             .inner = inner,
             .middle = middle,
             .out = out,
             .attention = std::move(tape->attention),
             .attention_mask = attention_mask,
             .inner_mask = inner_mask,
             .output_mask = output_mask};
  }
  return {settings_.norm_first ? out.sum : out.norm, out.norm};
}

// Gives the gradient of the layer's middle by way of the feed-forward part.
at::Tensor Network::feed_forward_backward(const Layer& layer, const SumGradient& gradient, LayerTape& tape) const {
  const TransformerLayer& master = *layer.master;
  add_weight_gradient(master.down, gradient, tape.inner);
  const at::Tensor inner = at::mm(gradient.branch, layer.down);
  const at::Tensor up = activate_backward(tape.up, master.up.bias, settings_.activation, settings_.gated, tape.inner_mask, inner);
  add_weight_gradient(std::span(&master.up, 1), up, tape.middle.norm);
  if (settings_.norm_first) return at::mm(up, layer.up);
  // The residual begins behind the norm: one sum, made by the product itself.
  at::Tensor sum = gradient.residual;
  return sum.addmm_(up, layer.up);
}

void Network::add_weight_gradient(std::span<const Linear> linears, const at::Tensor& out_gradient, const at::Tensor& in) const {
  const auto add = [&] {
    const at::Tensor gradient = weight_gradient(out_gradient, in);
    int64_t row = 0;
    for (const Linear& linear : linears) {
      const int64_t rows = linear.weight.size(0);
      add_gradient(linear.weight, gradient.narrow(0, row, rows));
      row += rows;
    }
  };
  // cuBLAS promises the same bits for one stream only.
  if (at::globalContext().deterministicAlgorithms()) return add();
  side_.run({out_gradient, in}, add);
}

void Network::add_weight_gradient(const Linear& linear, const SumGradient& out_gradient, const at::Tensor& in) const {
  // Where nothing was dropped it is the residual's gradient, too, to which the way back adds.
  if (out_gradient.branch.is_same(out_gradient.residual)) {
    add_gradient(linear.weight, weight_gradient(out_gradient.branch, in));
  } else {
    add_weight_gradient(std::span(&linear, 1), out_gradient.branch, in);
  }
}

Network::Stream Network::layer_backward(const Layer& layer, const Stream& gradient, Tape& tape) const {
  const TransformerLayer& master = *layer.master;
  LayerTape& own = tape.layers.back();
  const SumGradient output = add_norm_backward(own.out, gradient.norm, gradient.sum, master.down.bias, *layer.output_norm, own.output_mask);
  const at::Tensor middle = feed_forward_backward(layer, output, own);
  const at::Tensor past_norm = settings_.norm_first ? output.residual : at::Tensor();
  const SumGradient attended = add_norm_backward(own.middle, middle, past_norm, master.attention_output.bias, *layer.attention_norm, own.attention_mask);
  add_weight_gradient(master.attention_output, attended, own.attention.out.view(attended.branch.sizes()));
  const AttentionCall call = call_of(layer, tape.batch, tape.positions);
  const auto [qkv, bias] = attend_backward(call, own.attention, at::mm(attended.branch, layer.output), tape.bias_gradient);
  add_weight_gradient(master.attention_inputs, qkv, own.input);
  add_bias_gradients(master.attention_inputs, bias);
  if (settings_.norm_first) return {attended.residual, at::mm(qkv, layer.inputs)};
  at::Tensor sum = attended.residual;
  return {{}, sum.addmm_(qkv, layer.inputs)};
}

void Network::backward(Tape& tape, const at::Tensor& gradient) const {
  const at::NoGradGuard no_grad;
  const c10::cuda::CUDAGuard on_card(weights_.embeddings.words.device());
  const SideStream::Joined joined(side_);
  Stream stream{{}, pool_backward(tape.hidden, tape.batch, weights_.head.modes(), gradient.contiguous())};
  tape.hidden.reset();
  for (auto layer = layers_.rbegin(); layer != layers_.rend(); ++layer) {
    check_stop(tape.stop);
    stream = layer_backward(*layer, stream, tape);
    tape.layers.pop_back();
  }
  // Where norms come first, the stream and its norm are one before the first layer.
  const at::Tensor embedded = stream.sum.defined() ? stream.sum.add_(stream.norm) : stream.norm;
  embed_norm_backward(tape.batch, tape.positions.places, weights_.embeddings, weights_.embedding_norm, tape.embedding_mask, embedded);
  if (tape.bias_gradient.defined()) {
    const at::AutoGradMode with_gradients(true);
    tape.relative_bias.backward(tape.bias_gradient);
  }
}

}  // namespace lmtx::cuda
