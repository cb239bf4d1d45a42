#include "lmtx/nn/ops.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/max.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

namespace lmtx::ops {
namespace {

// Neighbouring sequences of one length, computed together: a dense [count, length, …] block, although nothing is padded.
struct Run {
  int64_t count = 0;
  int64_t length = 0;
};

std::vector<Run> equal_length_runs(const TokenBatch& batch) {
  std::vector<Run> runs;
  for (int64_t i = 0; i < batch.size(); ++i) {
    const int64_t length = batch.host_offsets[i + 1] - batch.host_offsets[i];
    if (runs.empty() || runs.back().length != length) runs.push_back({.count = 0, .length = length});
    ++runs.back().count;
  }
  return runs;
}

// Views of the rows of each run. One split, not many slices: the backward of a slice fills a tensor of the whole batch's size with zeros.
std::vector<at::Tensor> split_runs(const at::Tensor& rows, const std::vector<Run>& runs) {
  if (runs.size() == 1) return {rows};
  std::vector<int64_t> sizes;
  for (const Run& run : runs) sizes.push_back(run.count * run.length);
  return rows.split_with_sizes(sizes);
}

at::Tensor join(const std::vector<at::Tensor>& parts) { return parts.size() == 1 ? parts.front() : at::cat(parts); }

at::Tensor dropped(const at::Tensor& x, double p, Dropout* dropout) { return dropout == nullptr ? x : (*dropout)(x, p); }

at::Tensor layer_norm(const at::Tensor& x, const LayerNorm& norm) { return at::layer_norm(x, norm.weight.sizes(), norm.weight, norm.bias, norm.eps); }

at::Tensor activate(const at::Tensor& x, Activation activation) {
  switch (activation) {
    case Activation::gelu: return at::gelu(x);
    case Activation::gelu_tanh: return at::gelu(x, "tanh");
    case Activation::relu: return at::relu(x);
  }
  throw std::logic_error("unknown activation: this is a bug in LMTX");
}

// For values that nothing else refers to and no backward needs.
void activate_in_place(at::Tensor& x, Activation activation) {
  switch (activation) {
    case Activation::gelu: at::gelu_(x); return;
    case Activation::gelu_tanh: at::gelu_(x, "tanh"); return;
    case Activation::relu: at::relu_(x); return;
  }
}

// int64 [T]: the place of each token in its sequence.
at::Tensor position_ids(const TokenBatch& batch) {
  std::vector<int64_t> positions;
  positions.reserve(batch.num_tokens());
  for (int64_t i = 0; i < batch.size(); ++i) {
    const int64_t length = batch.host_offsets[i + 1] - batch.host_offsets[i];
    for (int64_t p = 0; p < length; ++p) positions.push_back(p);
  }
  return at::tensor(positions, at::kLong).to(batch.ids.device());
}

// A device cannot report a wrong id without being waited for; there the tokenizer is trusted.
void check_ids(const TokenBatch& batch, int64_t vocabulary_size) {
  if (!batch.ids.is_cpu()) return;
  const int32_t* ids = batch.ids.const_data_ptr<int32_t>();
  for (int64_t t = 0; t < batch.num_tokens(); ++t) {
    if (ids[t] < 0 || ids[t] >= vocabulary_size) {
      throw std::invalid_argument("Token ids must be in [0, " + std::to_string(vocabulary_size) + "), the model's vocabulary, but one is " +
                                  std::to_string(ids[t]) + " instead.");
    }
  }
}

void check_length(const TokenBatch& batch, int64_t num_positions) {
  if (batch.max_length <= num_positions) return;
  throw std::invalid_argument("A sequence must have at most " + std::to_string(num_positions) + " tokens, the positions of the model, but has " +
                              std::to_string(batch.max_length) + " instead.");
}

// [count * length, heads * head_dim] to [count, heads, length, head_dim], a view.
at::Tensor split_heads(const at::Tensor& x, const Run& run, int64_t num_heads) {
  return x.view({run.count, run.length, num_heads, x.size(1) / num_heads}).transpose(1, 2);
}

// softmax(query key^T / sqrt(head_dim)) value, written out so that the masks are ours.
at::Tensor attention_with_dropout(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, double p, Dropout& dropout) {
  const double scale = 1 / std::sqrt(static_cast<double>(query.size(-1)));
  const at::Tensor weights = at::softmax(at::matmul(query.mul(scale), key.transpose(-2, -1)), -1);
  return at::matmul(dropout(weights, p), value);
}

at::Tensor attend(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, const Run& run, int64_t num_heads, double p, Dropout* dropout) {
  const at::Tensor q = split_heads(query, run, num_heads), k = split_heads(key, run, num_heads), v = split_heads(value, run, num_heads);
  const at::Tensor out = dropout != nullptr && p > 0 ? attention_with_dropout(q, k, v, p, *dropout) : at::scaled_dot_product_attention(q, k, v);
  return out.transpose(1, 2).reshape({run.count * run.length, query.size(1)});
}

// Hidden states [count, length, d] of sequences of one length to [count, d].
at::Tensor pool_by(PoolingMode mode, const at::Tensor& hidden) {
  switch (mode) {
    case PoolingMode::cls: return hidden.select(1, 0);
    case PoolingMode::max: return std::get<0>(at::max(hidden, 1));
    case PoolingMode::mean: return hidden.mean(1);
    case PoolingMode::mean_sqrt_len: return hidden.sum(1).div(std::sqrt(static_cast<double>(hidden.size(1))));
  }
  throw std::logic_error("unknown pooling mode: this is a bug in LMTX");
}

at::Tensor pool_run(const at::Tensor& hidden, const Run& run, int64_t unpooled, std::span<const PoolingMode> modes) {
  const int64_t skipped = std::min(unpooled, run.length - 1);
  at::Tensor states = hidden.view({run.count, run.length, hidden.size(1)});
  if (skipped > 0) states = states.narrow(1, skipped, run.length - skipped);
  std::vector<at::Tensor> parts;
  for (const PoolingMode mode : modes) parts.push_back(pool_by(mode, states));
  return parts.size() == 1 ? parts.front() : at::cat(parts, 1);
}

}  // namespace

at::Tensor embed_norm(const TokenBatch& batch, const at::Tensor& words, const at::Tensor& positions, const at::Tensor& token_type, const LayerNorm& norm,
                      double dropout_p, Dropout* dropout) {
  check_ids(batch, words.size(0));
  check_length(batch, positions.size(0));
  at::Tensor sum = at::embedding(words, batch.ids).add(at::embedding(positions, position_ids(batch)));
  if (token_type.defined()) sum = sum.add(token_type.select(0, 0));
  return dropped(layer_norm(sum, norm), dropout_p, dropout);
}

at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) { return at::linear(x, weight, bias); }

at::Tensor bias_activation(const at::Tensor& x, const at::Tensor& bias, Activation activation) {
  at::Tensor sum = x.add(bias);
  if (sum.requires_grad()) return activate(sum, activation);
  activate_in_place(sum, activation);
  return sum;
}

at::Tensor residual_norm(const at::Tensor& residual, const at::Tensor& branch, const LayerNorm& norm, double dropout_p, Dropout* dropout) {
  return layer_norm(residual.add(dropped(branch, dropout_p, dropout)), norm);
}

at::Tensor packed_attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, const TokenBatch& batch, int64_t num_heads,
                            double dropout_p, Dropout* dropout) {
  const std::vector<Run> runs = equal_length_runs(batch);
  const std::vector<at::Tensor> q = split_runs(query, runs), k = split_runs(key, runs), v = split_runs(value, runs);
  std::vector<at::Tensor> out;
  for (size_t r = 0; r < runs.size(); ++r) out.push_back(attend(q[r], k[r], v[r], runs[r], num_heads, dropout_p, dropout));
  return join(out);
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
