#include "lmtx/nn/ops.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/max.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/tanh.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "lmtx/nn/runs.h"

namespace lmtx::ops {
namespace {

at::Tensor dropped(const at::Tensor& x, double p, Dropout* dropout) { return dropout == nullptr ? x : (*dropout)(x, p); }

std::optional<at::Tensor> optional(const at::Tensor& tensor) { return tensor.defined() ? std::optional(tensor) : std::nullopt; }

at::Tensor activate(const at::Tensor& x, Activation activation) {
  switch (activation) {
    case Activation::identity: return x;
    case Activation::gelu: return at::gelu(x);
    case Activation::gelu_tanh: return at::gelu(x, "tanh");
    case Activation::relu: return at::relu(x);
    case Activation::silu: return at::silu(x);
    case Activation::tanh: return at::tanh(x);
    case Activation::sigmoid: return at::sigmoid(x);
  }
  throw std::logic_error("unknown activation: this is a bug in LMTX");
}

// For values that nothing else refers to and no backward needs.
void activate_in_place(at::Tensor& x, Activation activation) {
  switch (activation) {
    case Activation::identity: return;
    case Activation::gelu: at::gelu_(x); return;
    case Activation::gelu_tanh: at::gelu_(x, "tanh"); return;
    case Activation::relu: at::relu_(x); return;
    case Activation::silu: at::silu_(x); return;
    case Activation::tanh: at::tanh_(x); return;
    case Activation::sigmoid: at::sigmoid_(x); return;
  }
}

// int64 [T]: the row of `positions` for each token.
at::Tensor position_ids(const TokenBatch& batch, std::optional<int64_t> padding_id) {
  const at::Tensor place = places(batch);
  if (!padding_id) return place;
  const at::Tensor counted = batch.ids.ne(*padding_id).to(at::kLong);
  // Counted tokens before each one, in the whole batch; and before the first of its sequence.
  const at::Tensor before = counted.cumsum(0).sub(counted);
  const at::Tensor start = at::arange(place.size(0), place.options()).sub(place);
  return before.sub(before.index_select(0, start)).add(1).mul(counted).add(*padding_id);
}

// Weights of the tokens' numbers in their sequence, 1, 2, …, [length, 1]; without the first `skipped`.
at::Tensor growing_weights(const at::Tensor& hidden, int64_t skipped) {
  return at::arange(skipped + 1, skipped + 1 + hidden.size(1), hidden.options()).unsqueeze(1);
}

// Hidden states [count, length, d] of sequences of one length, without the first `skipped`, to [count, d].
at::Tensor pool_by(PoolingMode mode, const at::Tensor& hidden, int64_t skipped) {
  switch (mode) {
    case PoolingMode::cls: return hidden.select(1, 0);
    case PoolingMode::max: return std::get<0>(at::max(hidden, 1));
    case PoolingMode::mean: return hidden.mean(1);
    case PoolingMode::mean_sqrt_len: return hidden.sum(1).div(std::sqrt(static_cast<double>(hidden.size(1))));
    case PoolingMode::weighted_mean: {
      const at::Tensor weights = growing_weights(hidden, skipped);
      return hidden.mul(weights).sum(1).div(weights.sum());
    }
    case PoolingMode::last_token: return hidden.select(1, hidden.size(1) - 1);
  }
  throw std::logic_error("unknown pooling mode: this is a bug in LMTX");
}

at::Tensor pool_run(const at::Tensor& hidden, const Run& run, int64_t unpooled, std::span<const PoolingMode> modes) {
  const int64_t skipped = std::min(unpooled, run.length - 1);
  at::Tensor states = hidden.view({run.count, run.length, hidden.size(1)});
  if (skipped > 0) states = states.narrow(1, skipped, run.length - skipped);
  std::vector<at::Tensor> parts;
  for (const PoolingMode mode : modes) parts.push_back(pool_by(mode, states, skipped));
  return parts.size() == 1 ? parts.front() : at::cat(parts, 1);
}

}  // namespace

void check_ids(std::span<const int32_t> ids, int64_t vocabulary_size) {
  for (const int32_t id : ids) {
    if (id >= 0 && id < vocabulary_size) continue;
    throw std::invalid_argument("Token ids must be in [0, " + std::to_string(vocabulary_size) + "), the model's vocabulary, but one is " + std::to_string(id) +
                                " instead.");
  }
}

void check_length(int64_t length, int64_t num_positions) {
  if (length <= num_positions) return;
  throw std::invalid_argument("A sequence must have at most " + std::to_string(num_positions) + " tokens, the positions of the model, but has " +
                              std::to_string(length) + " instead.");
}

at::Tensor embed_norm(const TokenBatch& batch, const Embeddings& embeddings, const LayerNorm& norm, double dropout_p, Dropout* dropout) {
  // A device cannot report a wrong id without being waited for; there the tokenizer is trusted.
  if (batch.ids.is_cpu()) check_ids({batch.ids.const_data_ptr<int32_t>(), static_cast<size_t>(batch.num_tokens())}, embeddings.words.size(0));
  at::Tensor sum = at::embedding(embeddings.words, batch.ids);
  if (embeddings.positions.defined()) {
    check_length(batch.max_length, embeddings.max_length());
    sum = sum.add(at::embedding(embeddings.positions, position_ids(batch, embeddings.padding_id)));
  }
  if (embeddings.token_type.defined()) sum = sum.add(embeddings.token_type.select(0, 0));
  return dropped(ops::norm(sum, norm), dropout_p, dropout);
}

at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) { return at::linear(x, weight, optional(bias)); }

at::Tensor bias_activation(const at::Tensor& x, const at::Tensor& bias, Activation activation) {
  if (!bias.defined()) return activate(x, activation);
  at::Tensor sum = x.add(bias);
  if (sum.requires_grad()) return activate(sum, activation);
  activate_in_place(sum, activation);
  return sum;
}

at::Tensor gated_activation(const at::Tensor& x, const at::Tensor& bias, Activation activation, double dropout_p, Dropout* dropout) {
  const std::vector<at::Tensor> halves = (bias.defined() ? x.add(bias) : x).chunk(2, 1);
  return dropped(activate(halves[0], activation).mul(halves[1]), dropout_p, dropout);
}

at::Tensor norm(const at::Tensor& x, const LayerNorm& norm) { return at::layer_norm(x, norm.weight.sizes(), norm.weight, optional(norm.bias), norm.eps); }

at::Tensor residual(const at::Tensor& residual, const at::Tensor& branch, double dropout_p, Dropout* dropout) {
  return residual.add(dropped(branch, dropout_p, dropout));
}

at::Tensor residual_norm(const at::Tensor& residual, const at::Tensor& branch, const LayerNorm& norm, double dropout_p, Dropout* dropout) {
  return ops::norm(ops::residual(residual, branch, dropout_p, dropout), norm);
}

at::Tensor pool(const at::Tensor& hidden, const TokenBatch& batch, std::span<const PoolingMode> modes) {
  const std::vector<Run> runs = equal_length_runs(batch);
  const std::vector<at::Tensor> parts = split_runs(hidden, runs);
  std::vector<at::Tensor> pooled;
  for (size_t r = 0; r < runs.size(); ++r) pooled.push_back(pool_run(parts[r], runs[r], batch.unpooled, modes));
  return join(pooled);
}

at::Tensor normalize(const at::Tensor& rows) { return rows.div(at::linalg_vector_norm(rows, 2, {-1}, /*keepdim=*/true).clamp_min(1e-12)); }

}  // namespace lmtx::ops
