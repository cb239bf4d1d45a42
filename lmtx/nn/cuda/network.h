// A transformer encoder on a card in half precision: products in float16 or bfloat16 from rounded copies of the weights, sums, norms and gradients of
// parameters in float32, sequences packed, passes over memory fused, and the way back written out. Internal.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/custom_class.h>

#include <map>
#include <memory>
#include <span>
#include <stop_token>
#include <utility>
#include <vector>

#include "lmtx/export.h"
#include "lmtx/nn/cuda/attention.h"
#include "lmtx/nn/cuda/ops.h"
#include "lmtx/nn/cuda/side_stream.h"
#include "lmtx/nn/sentence_model.h"
#include "lmtx/nn/transformer_weights.h"

namespace lmtx::cuda {

// What the way back of a batch needs.
struct Tape;

// Throws std::invalid_argument for what has no kernels: a card older than compute capability 8.0, widths that are no multiples of 8 or over 2,048.
void check_half_precision(const TransformerSettings& settings, at::Device device);

// forward() may be called from several threads, each with a stream of its own; the way back from one at a time. Never waits for the card.
class LMTX_API Network {
 public:
  // Shares norms, biases and embeddings with `weights`, float32 on a card, and copies the weights of products in `dtype`. Throws as
  // check_half_precision() does.
  Network(const TransformerSettings& settings, const TransformerWeights& weights, at::ScalarType dtype);
  // Layers point into it.
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  // Vectors float32 [n, dim] on the card, before normalization.
  at::Tensor forward(const TokenBatch& batch, const std::stop_token& stop = {}) const;
  // Copies the weights again, after they changed.
  void refresh();

  // Pooled hidden states, float32 [n, modes * width]: what the Dense modules take. `tape` may be null, and `dropout`.
  at::Tensor pooled(const TokenBatch& batch, Dropout* dropout, Tape* tape, const std::stop_token& stop) const;
  // Adds to the parameters' gradients, from that of pooled(). The tape is used up.
  void backward(Tape& tape, const at::Tensor& gradient) const;
  const Head& head() const { return weights_.head; }

 private:
  // The weights of products in `dtype`, and the norms behind the residuals of the layer's two parts.
  struct Layer {
    const TransformerLayer* master = nullptr;
    at::Tensor inputs, inputs_bias, output, up, down;
    const ops::LayerNorm* attention_norm = nullptr;
    const ops::LayerNorm* output_norm = nullptr;
    at::Tensor frequencies;
  };
  // The sum of residuals that goes on past the norms, and its norm; one and the same where norms come behind the residuals.
  struct Stream {
    at::Tensor sum, norm;
  };
  struct LayerTape;
  friend struct Tape;

  void copy_layer(const TransformerLayer& layer, const ops::LayerNorm& attention_norm, const ops::LayerNorm& output_norm);
  // A copy in the dtype of products that refresh() brings up to date.
  at::Tensor shadow(const std::vector<at::Tensor>& parts);
  at::Tensor frequencies_of(const LayerAttention& attention);

  Positions positions_of(const TokenBatch& batch, Tape* tape) const;
  AttentionCall call_of(const Layer& layer, const TokenBatch& batch, const Positions& positions) const;
  Stream run_layer(const Layer& layer, const Stream& in, const TokenBatch& batch, const Positions& positions, Dropout* dropout, LayerTape* tape) const;
  // From the gradients of the stream behind a layer to those of the stream before it.
  Stream layer_backward(const Layer& layer, const Stream& gradient, Tape& tape) const;
  at::Tensor feed_forward_backward(const Layer& layer, const SumGradient& gradient, LayerTape& tape) const;
  // Adds to the gradient of a product's weight, beside the way back.
  void add_weight_gradient(const Linear& linear, const SumGradient& out_gradient, const at::Tensor& in) const;
  void add_weight_gradient(std::span<const Linear> linears, const at::Tensor& out_gradient, const at::Tensor& in) const;

  TransformerSettings settings_;
  TransformerWeights weights_;
  at::ScalarType dtype_;
  std::vector<Layer> layers_;
  // Copies and what they are copied from.
  std::vector<at::Tensor> copies_, masters_;
  std::map<double, at::Tensor> frequencies_;
  mutable SideStream side_;
};

struct Network::LayerTape {
  at::Tensor input, up, inner;
  // Behind the layer's two parts.
  Sum middle, out;
  AttentionTape attention;
  DropoutMask attention_mask, inner_mask, output_mask;
};

struct Tape : torch::CustomClassHolder {
  const Network* network = nullptr;
  TokenBatch batch;
  Positions positions;
  // Where relative positions come from, with autograd's way back; undefined: none.
  at::Tensor relative_bias;
  DropoutMask embedding_mask;
  std::vector<Network::LayerTape> layers;
  at::Tensor hidden;
  at::Tensor bias_gradient;
  std::stop_token stop;
};

// The network as training sees it; `weights` must outlive it and what comes out of it.
LMTX_API std::unique_ptr<TrainingNetwork> training_network(const TransformerSettings& settings, const TransformerWeights& weights, at::ScalarType dtype);

}  // namespace lmtx::cuda
