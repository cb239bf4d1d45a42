// The operations against textbook loops in float64, and against themselves in other batches.
#include "lmtx/nn/ops.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/max.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <span>
#include <tuple>
#include <vector>

#include "catch.h"
#include "fixtures.h"

using namespace lmtx;
using namespace lmtx::test;

namespace {

at::Tensor numbers(at::IntArrayRef shape, int64_t seed) {
  // A fixed stream without torch's global generator.
  at::Tensor out = at::empty(shape, at::kDouble);
  double* values = out.data_ptr<double>();
  for (int64_t i = 0; i < out.numel(); ++i) values[i] = std::sin(12.9898 * static_cast<double>(i + 1) + 78.233 * static_cast<double>(seed)) * 1.5;
  return out;
}

TokenBatch lengths(const std::vector<int64_t>& lengths) {
  Sequences sequences;
  for (int64_t length : lengths) sequences.emplace_back(length, 1);
  return batch_of(sequences);
}

// Attention of one head, token by token.
at::Tensor attention_by_hand(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const TokenBatch& batch, int64_t num_heads) {
  const int64_t width = q.size(1) / num_heads;
  at::Tensor out = at::zeros(q.sizes(), at::kDouble);
  auto Q = q.accessor<double, 2>(), K = k.accessor<double, 2>(), V = v.accessor<double, 2>(), O = out.accessor<double, 2>();
  for (int64_t s = 0; s < batch.size(); ++s) {
    for (int64_t h = 0; h < num_heads * width; h += width) {
      for (int64_t i = batch.host_offsets[s]; i < batch.host_offsets[s + 1]; ++i) {
        std::vector<double> weights;
        double total = 0;
        for (int64_t j = batch.host_offsets[s]; j < batch.host_offsets[s + 1]; ++j) {
          double dot = 0;
          for (int64_t c = h; c < h + width; ++c) dot += Q[i][c] * K[j][c];
          weights.push_back(std::exp(dot / std::sqrt(static_cast<double>(width))));
          total += weights.back();
        }
        for (int64_t j = 0; j < static_cast<int64_t>(weights.size()); ++j) {
          for (int64_t c = h; c < h + width; ++c) O[i][c] += weights[j] / total * V[batch.host_offsets[s] + j][c];
        }
      }
    }
  }
  return out;
}

const std::vector<PoolingMode> all_modes = {PoolingMode::cls, PoolingMode::max, PoolingMode::mean, PoolingMode::mean_sqrt_len};

TokenBatch without_first(TokenBatch batch, int64_t unpooled) {
  batch.unpooled = unpooled;
  return batch;
}

// All modes joined, value by value.
at::Tensor pooled_by_hand(const at::Tensor& hidden, const TokenBatch& batch, int64_t unpooled) {
  const int64_t dim = hidden.size(1);
  at::Tensor out = at::zeros({batch.size(), 4 * dim}, at::kDouble);
  auto H = hidden.accessor<double, 2>(), O = out.accessor<double, 2>();
  for (int64_t s = 0; s < batch.size(); ++s) {
    const int64_t end = batch.host_offsets[s + 1], begin = std::min<int64_t>(batch.host_offsets[s] + unpooled, end - 1);
    const auto count = static_cast<double>(end - begin);
    for (int64_t c = 0; c < dim; ++c) {
      double largest = H[begin][c], sum = 0;
      for (int64_t t = begin; t < end; ++t) {
        largest = std::max(largest, H[t][c]);
        sum += H[t][c];
      }
      O[s][c] = H[begin][c];
      O[s][dim + c] = largest;
      O[s][2 * dim + c] = sum / count;
      O[s][3 * dim + c] = sum / std::sqrt(count);
    }
  }
  return out;
}

// The largest difference between autograd's gradient of sum(f(x) * weights) and central differences.
double gradient_error(const std::function<at::Tensor(const at::Tensor&)>& f, const at::Tensor& at_x) {
  at::Tensor x = at_x.clone().requires_grad_();
  const at::Tensor y = f(x);
  const at::Tensor weights = numbers(y.sizes(), 99);
  y.mul(weights).sum().backward();
  at::Tensor moved = at_x.clone();
  double* values = moved.data_ptr<double>();
  const at::Tensor gradient = x.grad().contiguous();
  double worst = 0;
  constexpr double step = 1e-6;
  for (int64_t i = 0; i < moved.numel(); ++i) {
    const double value = values[i];
    values[i] = value + step;
    const double above = f(moved).mul(weights).sum().item<double>();
    values[i] = value - step;
    const double below = f(moved).mul(weights).sum().item<double>();
    values[i] = value;
    worst = std::max(worst, std::abs((above - below) / (2 * step) - gradient.data_ptr<double>()[i]));
  }
  return worst;
}

}  // namespace

TEST_CASE("packed attention is softmax attention within each sequence, in any order of lengths") {
  const TokenBatch batch = lengths(GENERATE(std::vector<int64_t>{4, 4, 4}, std::vector<int64_t>{5, 2, 2, 1}, std::vector<int64_t>{2, 5, 2, 1, 5}));
  const int64_t tokens = batch.num_tokens();
  const at::Tensor q = numbers({tokens, 6}, 1), k = numbers({tokens, 6}, 2), v = numbers({tokens, 6}, 3);
  const at::Tensor expected = attention_by_hand(q, k, v, batch, 2);
  CHECK(largest_difference(ops::packed_attention(q, k, v, batch, 2, 0, nullptr), expected) < 1e-12);

  SECTION("also of views of one matrix") {
    const at::Tensor all = numbers({tokens, 18}, 4);
    const at::Tensor a = all.narrow(1, 0, 6), b = all.narrow(1, 6, 6), c = all.narrow(1, 12, 6);
    CHECK(largest_difference(ops::packed_attention(a, b, c, batch, 2, 0, nullptr), attention_by_hand(a, b, c, batch, 2)) < 1e-12);
  }
  SECTION("also by the path that draws masks, where it drops next to nothing") {
    Dropout dropout(1);
    CHECK(largest_difference(ops::packed_attention(q, k, v, batch, 2, 1e-12, &dropout), expected) < 1e-9);
  }
}

TEST_CASE("every operation has the gradient that finite differences show") {
  const TokenBatch batch = lengths({3, 1, 3, 2});
  const int64_t tokens = batch.num_tokens();
  const at::Tensor x = numbers({tokens, 4}, 1), other = numbers({tokens, 4}, 2), third = numbers({tokens, 4}, 3);
  const ops::LayerNorm norm{.weight = numbers({4}, 4), .bias = numbers({4}, 5), .eps = 1e-5};
  const auto same_masks = [](const std::function<at::Tensor(Dropout*)>& f) {
    Dropout dropout(17);
    return f(&dropout);
  };
  CHECK(gradient_error([&](const at::Tensor& t) { return ops::linear(t, numbers({3, 4}, 6), numbers({3}, 7)); }, x) < 1e-7);
  CHECK(gradient_error([&](const at::Tensor& t) { return ops::bias_activation(t, numbers({4}, 6), ops::Activation::gelu); }, x) < 1e-7);
  CHECK(gradient_error([&](const at::Tensor& t) { return ops::bias_activation(t, numbers({4}, 6), ops::Activation::gelu_tanh); }, x) < 1e-7);
  CHECK(gradient_error([&](const at::Tensor& t) { return ops::bias_activation(x, t, ops::Activation::relu); }, numbers({4}, 6)) < 1e-7);
  CHECK(gradient_error([&](const at::Tensor& t) { return ops::residual_norm(t, other, norm, 0, nullptr); }, x) < 1e-6);
  CHECK(gradient_error([&](const at::Tensor& t) { return same_masks([&](Dropout* d) { return ops::residual_norm(other, t, norm, 0.4, d); }); }, x) < 1e-6);
  CHECK(gradient_error([&](const at::Tensor& t) { return ops::packed_attention(t, other, third, batch, 2, 0, nullptr); }, x) < 1e-7);
  CHECK(gradient_error([&](const at::Tensor& t) { return ops::packed_attention(other, t, third, batch, 2, 0, nullptr); }, x) < 1e-7);
  CHECK(gradient_error([&](const at::Tensor& t) { return ops::packed_attention(other, third, t, batch, 2, 0, nullptr); }, x) < 1e-7);
  CHECK(gradient_error([&](const at::Tensor& t) { return same_masks([&](Dropout* d) { return ops::packed_attention(t, other, third, batch, 2, 0.4, d); }); }, x) < 1e-7);
  CHECK(gradient_error([&](const at::Tensor& t) { return same_masks([&](Dropout* d) { return ops::packed_attention(other, t, t, batch, 2, 0.4, d); }); }, x) < 1e-7);
  for (const PoolingMode mode : all_modes) {
    CHECK(gradient_error([&](const at::Tensor& t) { return ops::pool(t, batch, std::span(&mode, 1)); }, x) < 1e-8);
  }
  CHECK(gradient_error([&](const at::Tensor& t) { return ops::pool(t, without_first(batch, 2), all_modes); }, x) < 1e-8);
  CHECK(gradient_error([&](const at::Tensor& t) { return ops::normalize(t); }, x) < 1e-7);
  const TokenBatch ids = batch_of({{2, 0, 2}, {1}, {4, 1, 0}, {3, 3}});
  const at::Tensor words = numbers({5, 4}, 8), positions = numbers({3, 4}, 9), types = numbers({2, 4}, 10);
  CHECK(gradient_error([&](const at::Tensor& t) { return ops::embed_norm(ids, t, positions, types, norm, 0, nullptr); }, words) < 1e-6);
  CHECK(gradient_error([&](const at::Tensor& t) { return ops::embed_norm(ids, words, t, types, norm, 0, nullptr); }, positions) < 1e-6);
  CHECK(gradient_error([&](const at::Tensor& t) { return ops::embed_norm(ids, words, positions, t, norm, 0, nullptr); }, types) < 1e-6);
}

TEST_CASE("pooling takes the first, the largest, the mean, or the sum over the root of the length of each sequence") {
  const TokenBatch batch = lengths(GENERATE(std::vector<int64_t>{2, 1, 3}, std::vector<int64_t>{3, 3, 1, 5, 3}));
  const at::Tensor hidden = numbers({batch.num_tokens(), 3}, 1);
  const at::Tensor pooled = ops::pool(hidden, batch, all_modes);
  REQUIRE(pooled.sizes() == at::IntArrayRef({batch.size(), 12}));
  CHECK(largest_difference(pooled, pooled_by_hand(hidden, batch, 0)) < 1e-15);
  SECTION("each mode by itself, in any order") {
    const std::vector<PoolingMode> some = {PoolingMode::mean, PoolingMode::cls, PoolingMode::mean};
    const at::Tensor joined = ops::pool(hidden, batch, some);
    CHECK(joined.narrow(1, 0, 3).equal(pooled.narrow(1, 6, 3)));
    CHECK(joined.narrow(1, 3, 3).equal(pooled.narrow(1, 0, 3)));
    CHECK(joined.narrow(1, 6, 3).equal(pooled.narrow(1, 6, 3)));
  }
  SECTION("without the first tokens, but always with the last") {
    for (const int64_t unpooled : {1, 2, 9}) {
      CHECK(largest_difference(ops::pool(hidden, without_first(batch, unpooled), all_modes), pooled_by_hand(hidden, batch, unpooled)) < 1e-15);
    }
  }
}

TEST_CASE("of equal largest values one gets the gradient, as torch's max has it") {
  at::Tensor hidden = at::zeros({4, 2}, at::kDouble).requires_grad_(), same = at::zeros({1, 4, 2}, at::kDouble).requires_grad_();
  const PoolingMode mode = PoolingMode::max;
  ops::pool(hidden, lengths({4}), std::span(&mode, 1)).sum().backward();
  std::get<0>(at::max(same, 1)).sum().backward();
  CHECK(hidden.grad().equal(same.grad()[0]));
  CHECK(hidden.grad().sum().item<double>() == 2);
}

TEST_CASE("normalizing gives unit rows, and leaves a zero row at zero") {
  at::Tensor rows = numbers({3, 4}, 1);
  rows[1].zero_();
  const at::Tensor unit = ops::normalize(rows);
  CHECK(unit[0].norm().item<double>() == Approx(1));
  CHECK(unit[1].norm().item<double>() == 0);
  CHECK(unit[2].norm().item<double>() == Approx(1));
}

TEST_CASE("ids and lengths that a model has no rows for are refused") {
  const ops::LayerNorm norm{.weight = numbers({4}, 4), .bias = numbers({4}, 5), .eps = 1e-5};
  const at::Tensor words = numbers({5, 4}, 8), positions = numbers({3, 4}, 9);
  CHECK_THROWS_WITH(ops::embed_norm(batch_of({{1, 5}}), words, positions, {}, norm, 0, nullptr),
                    ContainsSubstring("Token ids must be in [0, 5), the model's vocabulary, but one is 5 instead."));
  CHECK_THROWS_WITH(ops::embed_norm(batch_of({{1}, {1, 2, 3, 4}}), words, positions, {}, norm, 0, nullptr),
                    ContainsSubstring("at most 3 tokens, the positions of the model, but has 4 instead."));
}
