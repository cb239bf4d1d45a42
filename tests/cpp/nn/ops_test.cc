// The operations against textbook loops in float64, and against themselves in other batches.
#include "lmtx/nn/ops.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/max.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <span>
#include <tuple>
#include <utility>
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
at::Tensor attention_by_hand(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const TokenBatch& batch, const ops::Attention& attention) {
  const int64_t width = q.size(1) / attention.num_heads, num_heads = attention.num_heads;
  at::Tensor out = at::zeros(q.sizes(), at::kDouble);
  const at::Tensor bias = attention.bias.defined() ? attention.bias : at::zeros({num_heads, batch.max_length, batch.max_length}, at::kDouble);
  auto B = bias.accessor<double, 3>();
  auto Q = q.accessor<double, 2>(), K = k.accessor<double, 2>(), V = v.accessor<double, 2>(), O = out.accessor<double, 2>();
  for (int64_t s = 0; s < batch.size(); ++s) {
    for (int64_t h = 0; h < num_heads * width; h += width) {
      for (int64_t i = batch.host_offsets[s]; i < batch.host_offsets[s + 1]; ++i) {
        std::vector<double> weights;
        double total = 0;
        for (int64_t j = batch.host_offsets[s]; j < batch.host_offsets[s + 1]; ++j) {
          const bool in_reach = !attention.window || std::abs(i - j) <= *attention.window;
          double dot = 0;
          for (int64_t c = h; c < h + width; ++c) dot += Q[i][c] * K[j][c];
          const double score = dot / std::sqrt(static_cast<double>(width)) + B[h / width][i - batch.host_offsets[s]][j - batch.host_offsets[s]];
          weights.push_back(in_reach ? std::exp(score) : 0);
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

const std::vector<PoolingMode> all_modes = {PoolingMode::cls,           PoolingMode::max,           PoolingMode::mean,
                                            PoolingMode::mean_sqrt_len, PoolingMode::weighted_mean, PoolingMode::last_token};

TokenBatch without_first(TokenBatch batch, int64_t unpooled) {
  batch.unpooled = unpooled;
  return batch;
}

// All modes joined, value by value.
at::Tensor pooled_by_hand(const at::Tensor& hidden, const TokenBatch& batch, int64_t unpooled) {
  const int64_t dim = hidden.size(1);
  at::Tensor out = at::zeros({batch.size(), 6 * dim}, at::kDouble);
  auto H = hidden.accessor<double, 2>(), O = out.accessor<double, 2>();
  for (int64_t s = 0; s < batch.size(); ++s) {
    const int64_t end = batch.host_offsets[s + 1], begin = std::min<int64_t>(batch.host_offsets[s] + unpooled, end - 1);
    const auto count = static_cast<double>(end - begin);
    for (int64_t c = 0; c < dim; ++c) {
      double largest = H[begin][c], sum = 0, weighted = 0, weights = 0;
      for (int64_t t = begin; t < end; ++t) {
        const auto weight = static_cast<double>(t - batch.host_offsets[s] + 1);
        largest = std::max(largest, H[t][c]);
        sum += H[t][c];
        weighted += weight * H[t][c];
        weights += weight;
      }
      O[s][c] = H[begin][c];
      O[s][dim + c] = largest;
      O[s][2 * dim + c] = sum / count;
      O[s][3 * dim + c] = sum / std::sqrt(count);
      O[s][4 * dim + c] = weighted / weights;
      O[s][5 * dim + c] = H[end - 1][c];
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
  const ops::Attention attention{.num_heads = 2,
                                 .window = GENERATE(std::optional<int64_t>(), std::optional<int64_t>(0), std::optional<int64_t>(2), std::optional<int64_t>(9)),
                                 .bias = GENERATE(false, true) ? numbers({2, 7, 7}, 5).narrow(1, 0, 5).narrow(2, 0, 5) : at::Tensor()};
  const at::Tensor expected = attention_by_hand(q, k, v, batch, attention);
  CHECK(largest_difference(ops::packed_attention(q, k, v, batch, attention, nullptr), expected) < 1e-12);

  SECTION("also of views of one matrix") {
    const at::Tensor all = numbers({tokens, 18}, 4);
    const at::Tensor a = all.narrow(1, 0, 6), b = all.narrow(1, 6, 6), c = all.narrow(1, 12, 6);
    CHECK(largest_difference(ops::packed_attention(a, b, c, batch, attention, nullptr), attention_by_hand(a, b, c, batch, attention)) < 1e-12);
  }
  SECTION("also by the path that draws masks, where it drops next to nothing") {
    Dropout dropout(1);
    ops::Attention dropping = attention;
    dropping.dropout_p = 1e-12;
    CHECK(largest_difference(ops::packed_attention(q, k, v, batch, dropping, &dropout), expected) < 1e-9);
  }
}

TEST_CASE("a window in long sequences is computed block by block") {
  const ops::Attention attention{.num_heads = 1, .window = GENERATE(std::optional<int64_t>(3), std::optional<int64_t>(70))};
  const TokenBatch batch = lengths({200, 129, 129, 64});
  const at::Tensor q = numbers({batch.num_tokens(), 2}, 1), k = numbers({batch.num_tokens(), 2}, 2), v = numbers({batch.num_tokens(), 2}, 3);
  CHECK(largest_difference(ops::packed_attention(q, k, v, batch, attention, nullptr), attention_by_hand(q, k, v, batch, attention)) < 1e-12);
}

TEST_CASE("rotary positions turn pairs of numbers by an angle that grows with the position") {
  const TokenBatch batch = lengths({3, 1, 3, 2});
  const at::Tensor all = numbers({9, 16}, 1), x = all.narrow(1, 4, 8);
  const at::Tensor turned = ops::rotate(x, ops::rotation(batch, 4, 100, at::kDouble));
  REQUIRE(turned.sizes() == x.sizes());
  const std::vector<int64_t> position = {0, 1, 2, 0, 0, 1, 2, 0, 1};
  const auto X = x.accessor<double, 2>(), Y = turned.accessor<double, 2>();
  for (int64_t t = 0; t < 9; ++t) {
    for (const int64_t head : {0, 4}) {
      for (const int64_t pair : {0, 1}) {
        const double angle = static_cast<double>(position[t]) * std::pow(100, -0.5 * static_cast<double>(pair)), c = std::cos(angle), s = std::sin(angle);
        // The angles are float32.
        CHECK(Y[t][head + pair] == Approx(X[t][head + pair] * c - X[t][head + pair + 2] * s).margin(1e-6));
        CHECK(Y[t][head + pair + 2] == Approx(X[t][head + pair + 2] * c + X[t][head + pair] * s).margin(1e-6));
      }
    }
  }
  CHECK_THROWS_WITH(ops::rotation(batch, 3, 100, at::kDouble), "`head_dim` of rotary positions must be even, but is 3 instead.");
}

TEST_CASE("relative positions share buckets that widen with the distance, apart for what is before and behind") {
  // For keys before the query (distance d): d itself up to 7, then 8 + floor(2 log2(d / 8)), at most 15; for keys behind it 16 more.
  const auto bucket = [](int64_t distance) {
    const int64_t d = std::abs(distance);
    int64_t grown = 8;
    while (grown < 15 && d * d >= int64_t{64} << (grown + 1 - 8)) ++grown;
    return (d < 8 ? d : grown) + (distance < 0 ? 16 : 0);
  };
  const int64_t length = GENERATE(1, 2, 300);
  const at::Tensor table = numbers({40, 3}, 1);
  const at::Tensor bias = ops::relative_bias(table, length);
  REQUIRE(bias.sizes() == at::IntArrayRef({3, length, length}));
  const auto B = bias.accessor<double, 3>();
  const auto T = table.accessor<double, 2>();
  for (int64_t head = 0; head < 3; ++head) {
    for (int64_t i = 0; i < length; ++i) {
      for (int64_t j = 0; j < length; ++j) REQUIRE(B[head][i][j] == T[bucket(i - j)][head]);
    }
  }
  CHECK_THROWS_WITH(ops::relative_bias(numbers({31, 3}, 1), 2), "`table` must have at least 32 rows, one a bucket, but has 31 instead.");
}

TEST_CASE("a gate multiplies the activation of one half by the other") {
  const at::Tensor x = numbers({3, 4}, 1), bias = GENERATE(false, true) ? numbers({4}, 2) : at::Tensor();
  const at::Tensor sum = bias.defined() ? x.add(bias) : x;
  const at::Tensor expected = sum.narrow(1, 0, 2).clamp_min(0).mul(sum.narrow(1, 2, 2));
  CHECK(ops::gated_activation(x, bias, ops::Activation::relu, 0, nullptr).equal(expected));
}

TEST_CASE("activations are what they are called") {
  const at::Tensor x = numbers({5, 4}, 1), zero = at::zeros({4}, at::kDouble);
  const auto by_hand = [&](double (*f)(double)) {
    at::Tensor y = x.clone();
    for (int64_t i = 0; i < y.numel(); ++i) y.data_ptr<double>()[i] = f(y.data_ptr<double>()[i]);
    return y;
  };
  using enum ops::Activation;
  const std::vector<std::pair<ops::Activation, double (*)(double)>> activations = {
      {identity, [](double v) { return v; }},
      {gelu, [](double v) { return v * (1 + std::erf(v / std::sqrt(2))) / 2; }},
      {gelu_tanh, [](double v) { return v * (1 + std::tanh(std::sqrt(2 / M_PI) * (v + 0.044715 * v * v * v))) / 2; }},
      {relu, [](double v) { return std::max(v, 0.0); }},
      {silu, [](double v) { return v / (1 + std::exp(-v)); }},
      {ops::Activation::tanh, [](double v) { return std::tanh(v); }},
      {sigmoid, [](double v) { return 1 / (1 + std::exp(-v)); }}};
  for (const auto& [activation, f] : activations) {
    CHECK(largest_difference(ops::bias_activation(x, {}, activation), by_hand(f)) < 1e-12);
    CHECK(largest_difference(ops::bias_activation(x, zero, activation), by_hand(f)) < 1e-12);
    CHECK(largest_difference(ops::bias_activation(x.clone().requires_grad_(), zero, activation), by_hand(f)) < 1e-12);
  }
}

TEST_CASE("positions behind a padding id count the tokens that are not padding") {
  const at::Tensor words = numbers({6, 2}, 1), positions = numbers({7, 2}, 2);
  const ops::LayerNorm norm{.weight = numbers({2}, 3), .bias = {}, .eps = 10};
  // Padding is 2: it stands at position 2, the others at 3, 4, ….
  const TokenBatch batch = batch_of({{4, 2, 5, 0}, {2}, {1, 1}});
  const std::vector<int64_t> expected = {3, 2, 4, 5, 2, 3, 4};
  at::Tensor sum = at::zeros({7, 2}, at::kDouble);
  for (int64_t t = 0; t < 7; ++t) sum[t].copy_(words[batch.ids[t].item<int32_t>()].add(positions[expected[t]]));
  CHECK(ops::embed_norm(batch, {.words = words, .positions = positions, .padding_id = 2}, norm, 0, nullptr).equal(ops::norm(sum, norm)));
  CHECK(ops::Embeddings{.words = words, .positions = positions, .padding_id = 2}.max_length() == 4);
  CHECK_THROWS_WITH(ops::embed_norm(batch_of({{1, 1, 1, 1, 1}}), {.words = words, .positions = positions, .padding_id = 2}, norm, 0, nullptr),
                    ContainsSubstring("at most 4 tokens, the positions of the model, but has 5 instead."));
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
  for (const ops::Activation activation : {ops::Activation::identity, ops::Activation::silu, ops::Activation::tanh, ops::Activation::sigmoid}) {
    CHECK(gradient_error([&](const at::Tensor& t) { return ops::bias_activation(t, numbers({4}, 6), activation); }, x) < 1e-7);
  }
  CHECK(gradient_error([&](const at::Tensor& t) { return ops::gated_activation(t, numbers({4}, 6), ops::Activation::gelu, 0, nullptr); }, x) < 1e-7);
  CHECK(gradient_error([&](const at::Tensor& t) { return ops::gated_activation(x, t, ops::Activation::gelu, 0, nullptr); }, numbers({4}, 6)) < 1e-7);
  CHECK(gradient_error([&](const at::Tensor& t) { return same_masks([&](Dropout* d) { return ops::gated_activation(t, {}, ops::Activation::gelu, 0.4, d); }); },
                       x) < 1e-7);
  CHECK(gradient_error([&](const at::Tensor& t) { return ops::norm(t, norm); }, x) < 1e-6);
  CHECK(gradient_error([&](const at::Tensor& t) { return ops::norm(t, {.weight = norm.weight, .bias = {}, .eps = 1e-5}); }, x) < 1e-6);
  CHECK(gradient_error([&](const at::Tensor& t) { return ops::norm(x, {.weight = t, .bias = {}, .eps = 1e-5}); }, norm.weight) < 1e-6);
  CHECK(gradient_error([&](const at::Tensor& t) { return ops::residual(t, other, 0, nullptr); }, x) < 1e-7);
  CHECK(gradient_error([&](const at::Tensor& t) { return same_masks([&](Dropout* d) { return ops::residual(other, t, 0.4, d); }); }, x) < 1e-7);
  CHECK(gradient_error([&](const at::Tensor& t) { return ops::residual_norm(t, other, norm, 0, nullptr); }, x) < 1e-6);
  CHECK(gradient_error([&](const at::Tensor& t) { return same_masks([&](Dropout* d) { return ops::residual_norm(other, t, norm, 0.4, d); }); }, x) < 1e-6);
  const at::Tensor bias = numbers({2, 3, 3}, 11);
  for (const ops::Attention& attention :
       {ops::Attention{.num_heads = 2}, ops::Attention{.num_heads = 2, .window = 1}, ops::Attention{.num_heads = 2, .bias = bias}}) {
    ops::Attention dropping = attention;
    dropping.dropout_p = 0.4;
    CHECK(gradient_error([&](const at::Tensor& t) { return ops::packed_attention(t, other, third, batch, attention, nullptr); }, x) < 1e-7);
    CHECK(gradient_error([&](const at::Tensor& t) { return ops::packed_attention(other, t, third, batch, attention, nullptr); }, x) < 1e-7);
    CHECK(gradient_error([&](const at::Tensor& t) { return ops::packed_attention(other, third, t, batch, attention, nullptr); }, x) < 1e-7);
    CHECK(gradient_error(
              [&](const at::Tensor& t) { return same_masks([&](Dropout* d) { return ops::packed_attention(t, other, third, batch, dropping, d); }); }, x) <
          1e-7);
    CHECK(gradient_error([&](const at::Tensor& t) { return same_masks([&](Dropout* d) { return ops::packed_attention(other, t, t, batch, dropping, d); }); },
                         x) < 1e-7);
  }
  const auto with_bias = [&](const at::Tensor& t, double p, Dropout* d) {
    return ops::packed_attention(x, other, third, batch, {.num_heads = 2, .bias = t, .dropout_p = p}, d);
  };
  CHECK(gradient_error([&](const at::Tensor& t) { return with_bias(t, 0, nullptr); }, bias) < 1e-7);
  CHECK(gradient_error([&](const at::Tensor& t) { return same_masks([&](Dropout* d) { return with_bias(t, 0.4, d); }); }, bias) < 1e-7);
  CHECK(gradient_error([&](const at::Tensor& t) { return ops::relative_bias(t, 11); }, numbers({33, 2}, 12)) < 1e-7);
  const ops::Rotation rotation = ops::rotation(batch, 2, 100, at::kDouble);
  CHECK(gradient_error([&](const at::Tensor& t) { return ops::rotate(t, rotation); }, x) < 1e-7);
  const TokenBatch long_batch = lengths({70});
  const at::Tensor long_x = numbers({70, 2}, 13), long_other = numbers({70, 2}, 14);
  CHECK(gradient_error([&](const at::Tensor& t) { return ops::packed_attention(long_x, t, long_other, long_batch, {.num_heads = 1, .window = 2}, nullptr); },
                       long_x) < 1e-7);
  for (const PoolingMode mode : all_modes) {
    CHECK(gradient_error([&](const at::Tensor& t) { return ops::pool(t, batch, std::span(&mode, 1)); }, x) < 1e-8);
  }
  CHECK(gradient_error([&](const at::Tensor& t) { return ops::pool(t, without_first(batch, 2), all_modes); }, x) < 1e-8);
  CHECK(gradient_error([&](const at::Tensor& t) { return ops::normalize(t); }, x) < 1e-7);
  const TokenBatch ids = batch_of({{2, 0, 2}, {1}, {4, 1, 0}, {3, 3}});
  const at::Tensor words = numbers({5, 4}, 8), positions = numbers({3, 4}, 9), types = numbers({2, 4}, 10);
  CHECK(gradient_error([&](const at::Tensor& t) { return ops::embed_norm(ids, {t, positions, types}, norm, 0, nullptr); }, words) < 1e-6);
  CHECK(gradient_error([&](const at::Tensor& t) { return ops::embed_norm(ids, {words, t, types}, norm, 0, nullptr); }, positions) < 1e-6);
  CHECK(gradient_error([&](const at::Tensor& t) { return ops::embed_norm(ids, {words, positions, t}, norm, 0, nullptr); }, types) < 1e-6);
  const at::Tensor more_positions = numbers({5, 4}, 9);
  CHECK(gradient_error([&](const at::Tensor& t) { return ops::embed_norm(ids, {words, t, {}, 1}, norm, 0, nullptr); }, more_positions) < 1e-6);
  CHECK(gradient_error([&](const at::Tensor& t) { return ops::embed_norm(ids, {t, {}, {}}, norm, 0, nullptr); }, words) < 1e-6);
}

TEST_CASE("pooling takes the first, the largest, a mean, a sum or the last of each sequence") {
  const TokenBatch batch = lengths(GENERATE(std::vector<int64_t>{2, 1, 3}, std::vector<int64_t>{3, 3, 1, 5, 3}));
  const at::Tensor hidden = numbers({batch.num_tokens(), 3}, 1);
  const at::Tensor pooled = ops::pool(hidden, batch, all_modes);
  REQUIRE(pooled.sizes() == at::IntArrayRef({batch.size(), 18}));
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
  CHECK_THROWS_WITH(ops::embed_norm(batch_of({{1, 5}}), {words, positions}, norm, 0, nullptr),
                    ContainsSubstring("Token ids must be in [0, 5), the model's vocabulary, but one is 5 instead."));
  CHECK_THROWS_WITH(ops::embed_norm(batch_of({{1}, {1, 2, 3, 4}}), {words, positions}, norm, 0, nullptr),
                    ContainsSubstring("at most 3 tokens, the positions of the model, but has 4 instead."));
}
