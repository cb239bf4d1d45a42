// The operations of attention: rotary positions, relative positions, and attention itself.
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/log.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/minimum.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "lmtx/nn/ops.h"
#include "lmtx/nn/runs.h"

namespace lmtx::ops {
namespace {

constexpr int64_t num_buckets = 32;
constexpr int64_t max_distance = 128;

// int64: the bucket of each distance, the query's position minus the key's. Half of the buckets are for keys ahead of the query; of each half, half are for
// one distance each, and the others grow by a constant factor up to max_distance. In float32 and in the order of transformers' operations, so that a distance
// at the border of two buckets falls to the same side.
at::Tensor bucket_of(const at::Tensor& distance) {
  constexpr int64_t half = num_buckets / 2, exact = half / 2;
  const at::Tensor far = distance.abs();
  const double octaves = std::log(static_cast<double>(max_distance) / exact);
  const at::Tensor grown = at::log(far.clamp_min(exact).to(at::kFloat).div(exact)).div(octaves).mul(half - exact).to(at::kLong).add(exact);
  const at::Tensor bucket = at::where(far.lt(exact), far, at::minimum(grown, at::full_like(grown, half - 1)));
  return bucket.add(distance.lt(0).to(at::kLong).mul(half));
}

// [count * length, heads * head_dim] to [count, heads, length, head_dim], a view.
at::Tensor split_heads(const at::Tensor& x, const Run& run, int64_t num_heads) {
  return x.view({run.count, run.length, num_heads, x.size(1) / num_heads}).transpose(1, 2);
}

// Queries of a sequence that are computed together, and the keys that they are computed with.
struct Block {
  int64_t query_begin = 0, query_end = 0, key_begin = 0, key_end = 0;
  int64_t num_queries() const { return query_end - query_begin; }
  int64_t num_keys() const { return key_end - key_begin; }
};

bool is_windowed(int64_t length, const Attention& attention) { return attention.window && length > *attention.window + 1; }

// Sequences longer than a window are cut into pieces at least as long as it, so that all keys in reach of a piece are in it and its neighbours. Large pieces
// make large products; smaller ones waste less on keys out of reach.
int64_t piece_size(const Attention& attention) { return std::max<int64_t>(*attention.window, 64); }

// What is added to a block's scores, [queries, keys] or [heads, queries, keys]; undefined: nothing.
at::Tensor score_terms(const Block& block, bool windowed, const Attention& attention, const at::TensorOptions& options) {
  at::Tensor terms;
  if (attention.bias.defined()) terms = attention.bias.narrow(1, block.query_begin, block.num_queries()).narrow(2, block.key_begin, block.num_keys());
  if (!windowed) return terms;
  const at::TensorOptions integers = options.dtype(at::kLong);
  const at::Tensor queries = at::arange(block.query_begin, block.query_end, integers), keys = at::arange(block.key_begin, block.key_end, integers);
  const at::Tensor out_of_reach = queries.unsqueeze(1).sub(keys).abs().gt(*attention.window);
  if (!terms.defined()) terms = at::zeros({block.num_queries(), block.num_keys()}, options);
  return terms.masked_fill(out_of_reach, -std::numeric_limits<double>::infinity());
}

// softmax(query key^T / sqrt(head_dim) + terms) value, written out so that the masks are ours.
at::Tensor attention_with_dropout(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, const at::Tensor& terms, double p,
                                  Dropout& dropout) {
  const double scale = 1 / std::sqrt(static_cast<double>(query.size(-1)));
  at::Tensor scores = at::matmul(query.mul(scale), key.transpose(-2, -1));
  if (terms.defined()) scores = scores.add(terms);
  return at::matmul(dropout(at::softmax(scores, -1), p), value);
}

// All [count, heads, length, head_dim].
at::Tensor attend_dense(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, const at::Tensor& terms, double p, Dropout* dropout) {
  if (dropout != nullptr && p > 0) return attention_with_dropout(query, key, value, terms, p, *dropout);
  if (!terms.defined()) return at::scaled_dot_product_attention(query, key, value);
  return at::scaled_dot_product_attention(query, key, value, terms.dim() == 3 ? terms.unsqueeze(0) : terms);
}

// Pieces [first, last] of a sequence. A copy, but so is the way back: that of overlapping views would fill the whole sequence with zeros for each.
at::Tensor join_pieces(const std::vector<at::Tensor>& pieces, int64_t first, int64_t last) {
  return at::cat(at::TensorList(pieces).slice(first, last - first + 1), 2);
}

at::Tensor attend_windowed(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, const Attention& attention, Dropout* dropout) {
  const int64_t size = piece_size(attention), length = query.size(2);
  const std::vector<at::Tensor> queries = query.split(size, 2), keys = key.split(size, 2), values = value.split(size, 2);
  const auto count = static_cast<int64_t>(queries.size());
  std::vector<at::Tensor> out;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t first = std::max<int64_t>(i - 1, 0), last = std::min(i + 1, count - 1);
    const Block block{i * size, std::min((i + 1) * size, length), first * size, std::min((last + 1) * size, length)};
    const at::Tensor terms = score_terms(block, /*windowed=*/true, attention, query.options());
    out.push_back(attend_dense(queries[i], join_pieces(keys, first, last), join_pieces(values, first, last), terms, attention.dropout_p, dropout));
  }
  return at::cat(out, 2);
}

at::Tensor attend_whole(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, const Attention& attention, Dropout* dropout) {
  const int64_t length = query.size(2);
  return attend_dense(query, key, value, score_terms({0, length, 0, length}, /*windowed=*/false, attention, query.options()), attention.dropout_p, dropout);
}

at::Tensor attend(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, const Run& run, const Attention& attention, Dropout* dropout) {
  const at::Tensor q = split_heads(query, run, attention.num_heads), k = split_heads(key, run, attention.num_heads),
                   v = split_heads(value, run, attention.num_heads);
  const at::Tensor out = is_windowed(run.length, attention) ? attend_windowed(q, k, v, attention, dropout) : attend_whole(q, k, v, attention, dropout);
  return out.transpose(1, 2).reshape({run.count * run.length, query.size(1)});
}

}  // namespace

// In float32 as transformers computes them: at position 8,000 an angle's last bits are seen in the cosine.
at::Tensor rotary_frequencies(int64_t head_dim, double theta) {
  if (head_dim % 2 != 0) throw std::invalid_argument("`head_dim` of rotary positions must be even, but is " + std::to_string(head_dim) + " instead.");
  return at::pow(theta, at::arange(0, head_dim, 2, at::kFloat).div(head_dim)).reciprocal();
}

Rotation rotation(const TokenBatch& batch, int64_t head_dim, double theta, at::ScalarType dtype) {
  const at::Tensor frequencies = rotary_frequencies(head_dim, theta);
  const at::Tensor angles = places(batch).to(at::kFloat).unsqueeze(1).mul(send(frequencies, batch.ids.device())).unsqueeze(1);
  return {.cosine = angles.cos().to(dtype), .sine = angles.sin().to(dtype)};
}

at::Tensor rotate(const at::Tensor& x, const Rotation& rotation) {
  const int64_t half = rotation.cosine.size(2);
  const std::vector<at::Tensor> halves = x.view({x.size(0), x.size(1) / (2 * half), 2 * half}).chunk(2, -1);
  const at::Tensor first = halves[0].mul(rotation.cosine).sub(halves[1].mul(rotation.sine));
  const at::Tensor second = halves[1].mul(rotation.cosine).add(halves[0].mul(rotation.sine));
  return at::cat({first, second}, -1).view(x.sizes());
}

at::Tensor relative_bias(const at::Tensor& table, int64_t length) {
  if (table.size(0) < num_buckets) {
    throw std::invalid_argument("`table` must have at least " + std::to_string(num_buckets) + " rows, one a bucket, but has " + std::to_string(table.size(0)) +
                                " instead.");
  }
  // Of every distance once, query minus key, the largest first: row i of the result is a stretch of it.
  const at::Tensor distances = at::arange(length - 1, -length, -1, at::kLong);
  const at::Tensor of_distance = at::embedding(table, send(bucket_of(distances), table.device()));  // [2 * length - 1, heads]
  return of_distance.unfold(0, length, 1).flip(0).permute({1, 0, 2});
}

at::Tensor packed_attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, const TokenBatch& batch, const Attention& attention,
                            Dropout* dropout) {
  const std::vector<Run> runs = equal_length_runs(batch);
  const std::vector<at::Tensor> q = split_runs(query, runs), k = split_runs(key, runs), v = split_runs(value, runs);
  std::vector<at::Tensor> out;
  for (size_t r = 0; r < runs.size(); ++r) out.push_back(attend(q[r], k[r], v[r], runs[r], attention, dropout));
  return join(out);
}

}  // namespace lmtx::ops
