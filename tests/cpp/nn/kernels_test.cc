// The kernels of every instruction set that this processor has, against sums and functions in float64, and their integers against each other.
#include "lmtx/nn/cpu/kernels.h"

#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "catch.h"
#include "lmtx/nn/cpu/packed_linear.h"

using namespace lmtx;
using namespace lmtx::cpu;

namespace {

using Numbers = std::vector<float>;

Numbers draw(std::mt19937& random, int64_t size, double spread = 1) {
  std::normal_distribution<float> normal(0, static_cast<float>(spread));
  Numbers numbers(size);
  for (float& number : numbers) number = normal(random);
  return numbers;
}

// A matrix product, its rows and columns, and what is added.
struct Case {
  int64_t rows, in, out;
  Numbers x, weight, bias, residual;

  Case(std::mt19937& random, int64_t rows, int64_t in, int64_t out)
      : rows(rows), in(in), out(out), x(draw(random, rows * in)), weight(draw(random, out * in)), bias(draw(random, out)), residual(draw(random, rows * out)) {}

  Linear linear() const {
    return {.weight = at::from_blob(const_cast<float*>(weight.data()), {out, in}).clone(),
            .bias = at::from_blob(const_cast<float*>(bias.data()), {out}).clone()};
  }
  Numbers multiply(ComputeDtype dtype, const Kernels& kernels, bool with_residual = true) const {
    const Linear one = linear();
    const PackedLinear packed(std::span(&one, 1), dtype, kernels);
    Numbers product(rows * out, NAN);
    Converted converted;
    packed.multiply({x.data(), in}, rows, with_residual ? Rows{residual.data(), out} : Rows{}, product.data(), out, converted);
    return product;
  }
};

// Sizes below, at and above those of blocks and panels.
std::vector<Case> cases(std::mt19937& random) {
  std::vector<Case> all;
  for (const int64_t rows : {1, 5, 12, 13, 31}) {
    for (const int64_t in : {1, 4, 9, 64, 129}) {
      for (const int64_t out : {1, 8, 33, 64}) all.emplace_back(random, rows, in, out);
    }
  }
  return all;
}

double largest_difference(const Numbers& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double largest = 0;
  for (size_t i = 0; i < a.size(); ++i) largest = std::isnan(a[i]) ? NAN : std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

template <class Each>  // (row, output) to the sum of products
std::vector<double> expected_product(const Case& c, bool with_residual, const Each& sum) {
  std::vector<double> expected;
  for (int64_t row = 0; row < c.rows; ++row) {
    for (int64_t o = 0; o < c.out; ++o) expected.push_back(sum(row, o) + c.bias[o] + (with_residual ? c.residual[row * c.out + o] : 0.0f));
  }
  return expected;
}

// By truncation after adding half of the last place, ties to even.
float rounded_to_bfloat16(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof(bits));
  const uint32_t below = bits & 0xffff, kept = bits >> 16;
  const uint32_t up = below > 0x8000 || (below == 0x8000 && kept % 2 == 1) ? 1 : 0;
  bits = (kept + up) << 16;
  std::memcpy(&x, &bits, sizeof(bits));
  return x;
}

struct Quantized {
  std::vector<int> values;
  double scale;
};

Quantized quantized(const float* row, int64_t size) {
  float top = 0;
  for (int64_t i = 0; i < size; ++i) top = std::max(top, std::abs(row[i]));
  Quantized result{{}, top / 127.0f};
  for (int64_t i = 0; i < size; ++i) result.values.push_back(top > 0 ? static_cast<int>(std::nearbyint(row[i] * (127.0f / top))) : 0);
  return result;
}

template <class Function>
void check_activation(const Kernels& kernels, Activation activation, const Function& expected) {
  Numbers row;
  for (double x = -60; x <= 60; x += 0.01037) row.push_back(static_cast<float>(x));
  Numbers out = row;
  kernels.activate(out.data(), static_cast<int64_t>(out.size()), activation);
  double largest = 0;
  for (size_t i = 0; i < row.size(); ++i) largest = std::max(largest, std::abs(out[i] - expected(row[i])) / std::max(1.0, std::abs(double{row[i]})));
  INFO(kernels.name << ", activation " << static_cast<int>(activation));
  CHECK(largest < 5e-7);
}

}  // namespace

TEST_CASE("products of float32 are sums in float64, up to rounding") {
  std::mt19937 random(1);
  for (const Case& c : cases(random)) {
    const bool with_residual = c.rows % 2 == 1;
    const auto expected = expected_product(c, with_residual, [&](int64_t row, int64_t o) {
      double sum = 0;
      for (int64_t i = 0; i < c.in; ++i) sum += double{c.x[row * c.in + i]} * c.weight[o * c.in + i];
      return sum;
    });
    for (const Kernels* kernels : all_kernels()) {
      INFO(kernels->name << ", " << c.rows << " x " << c.in << " x " << c.out);
      CHECK(largest_difference(c.multiply(ComputeDtype::float32, *kernels, with_residual), expected) < 2e-5);
    }
  }
}

TEST_CASE("products of bfloat16 are sums in float64 of rounded factors") {
  std::mt19937 random(2);
  for (const Case& c : cases(random)) {
    const auto expected = expected_product(c, true, [&](int64_t row, int64_t o) {
      double sum = 0;
      for (int64_t i = 0; i < c.in; ++i) sum += double{rounded_to_bfloat16(c.x[row * c.in + i])} * rounded_to_bfloat16(c.weight[o * c.in + i]);
      return sum;
    });
    for (const Kernels* kernels : all_kernels()) {
      INFO(kernels->name << ", " << c.rows << " x " << c.in << " x " << c.out);
      CHECK(largest_difference(c.multiply(ComputeDtype::bfloat16, *kernels), expected) < 2e-5);
    }
  }
}

TEST_CASE("products of int8 are whole sums times the scales of row and output") {
  std::mt19937 random(3);
  for (const Case& c : cases(random)) {
    std::vector<Quantized> rows, outputs;
    for (int64_t row = 0; row < c.rows; ++row) rows.push_back(quantized(c.x.data() + row * c.in, c.in));
    for (int64_t o = 0; o < c.out; ++o) outputs.push_back(quantized(c.weight.data() + o * c.in, c.in));
    const auto expected = expected_product(c, true, [&](int64_t row, int64_t o) {
      int64_t sum = 0;
      for (int64_t i = 0; i < c.in; ++i) sum += rows[row].values[i] * outputs[o].values[i];
      return static_cast<double>(sum) * rows[row].scale * outputs[o].scale;
    });
    for (const Kernels* kernels : all_kernels()) {
      INFO(kernels->name << ", " << c.rows << " x " << c.in << " x " << c.out);
      CHECK(largest_difference(c.multiply(ComputeDtype::int8, *kernels), expected) < 2e-5);
    }
  }
}

TEST_CASE("products of int8 are the same bits with every instruction set") {
  std::mt19937 random(4);
  for (const Case& c : cases(random)) {
    const Numbers expected = c.multiply(ComputeDtype::int8, *all_kernels().back());
    for (const Kernels* kernels : all_kernels()) {
      INFO(kernels->name << ", " << c.rows << " x " << c.in << " x " << c.out);
      CHECK(c.multiply(ComputeDtype::int8, *kernels) == expected);
    }
  }
}

TEST_CASE("the largest sums of int8 fit: all values at their limit") {
  std::mt19937 random(5);
  Case c(random, 2, 4096, 33);
  for (float& x : c.x) x = 1;
  for (size_t i = 0; i < c.weight.size(); ++i) c.weight[i] = (i / 4096) % 2 == 0 ? 1 : -1;
  for (const Kernels* kernels : all_kernels()) {
    const Numbers product = c.multiply(ComputeDtype::int8, *kernels, /*with_residual=*/false);
    INFO(kernels->name);
    for (int64_t o = 0; o < c.out; ++o) CHECK(product[o] == Approx((o % 2 == 0 ? 4096 : -4096) + c.bias[o]));
  }
}

TEST_CASE("what is quantized are whole numbers to nearest even, in [-127, 127], the same for all") {
  std::mt19937 random(6);
  Numbers row = draw(random, 77);
  row[3] = 127.0f;
  row[4] = -127.0f;
  row[5] = 0.5f;
  row[6] = 1.5f;
  row[7] = -2.5f;
  const Quantized expected = quantized(row.data(), 77);
  CHECK(std::vector<int>(expected.values.begin() + 3, expected.values.begin() + 8) == std::vector<int>{127, -127, 0, 2, -2});
  for (const Kernels* kernels : all_kernels()) {
    std::vector<std::byte> bytes(80);
    CHECK(kernels->quantize(row.data(), 77, bytes.data()) == static_cast<float>(expected.scale));
    for (int64_t i = 0; i < 77; ++i) CHECK(static_cast<int8_t>(std::to_integer<int>(bytes[i]) - kernels->zero) == expected.values[i]);
    const Numbers zeros(77, 0.0f);
    CHECK(kernels->quantize(zeros.data(), 77, bytes.data()) == 0);
    for (int64_t i = 0; i < 77; ++i) CHECK(std::to_integer<int>(bytes[i]) == kernels->zero);
  }
}

TEST_CASE("activations are those of float64, up to rounding") {
  const auto logistic = [](double x) { return 1 / (1 + std::exp(-x)); };
  for (const Kernels* kernels : all_kernels()) {
    check_activation(*kernels, Activation::identity, [](double x) { return x; });
    check_activation(*kernels, Activation::gelu, [](double x) { return x * 0.5 * (1 + std::erf(x / std::sqrt(2.0))); });
    check_activation(*kernels, Activation::gelu_tanh, [](double x) { return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x))); });
    check_activation(*kernels, Activation::relu, [](double x) { return std::max(x, 0.0); });
    check_activation(*kernels, Activation::silu, [&](double x) { return x * logistic(x); });
    check_activation(*kernels, Activation::tanh, [](double x) { return std::tanh(x); });
    check_activation(*kernels, Activation::sigmoid, logistic);
  }
}

TEST_CASE("a gate multiplies the activation of one half by the other half") {
  std::mt19937 random(7);
  const Numbers row = draw(random, 2 * 37);
  for (const Kernels* kernels : all_kernels()) {
    Numbers out(37);
    kernels->gate(row.data(), 37, Activation::relu, out.data());
    for (int64_t i = 0; i < 37; ++i) CHECK(out[i] == std::max(row[i], 0.0f) * row[37 + i]);
  }
}

TEST_CASE("layer norm and softmax are those of float64, up to rounding") {
  std::mt19937 random(8);
  for (const int64_t size : {1, 3, 16, 37, 384}) {
    const Numbers row = draw(random, size, 3), weight = draw(random, size), bias = draw(random, size), terms = draw(random, size + 64);
    double mean = 0, variance = 0, largest = -1e9, total = 0;
    for (const float x : row) mean += x / static_cast<double>(size);
    for (const float x : row) variance += (x - mean) * (x - mean) / static_cast<double>(size);
    const auto score = [&](int64_t i) { return 0.3 * row[i] + terms[i]; };
    for (int64_t i = 0; i < size; ++i) largest = std::max(largest, score(i));
    for (int64_t i = 0; i < size; ++i) total += std::exp(score(i) - largest);
    for (const Kernels* kernels : all_kernels()) {
      INFO(kernels->name << ", " << size);
      Numbers normed(size), weights = row;
      kernels->layer_norm(row.data(), size, weight.data(), bias.data(), 1e-3f, normed.data());
      weights.resize(size + 64);
      kernels->softmax(weights.data(), size, 0.3f, terms.data());
      for (int64_t i = 0; i < size; ++i) {
        CHECK(normed[i] == Approx((row[i] - mean) / std::sqrt(variance + 1e-3) * weight[i] + bias[i]).margin(3e-6));
        CHECK(weights[i] == Approx(std::exp(score(i) - largest) / total).epsilon(2e-6).margin(1e-9));
      }
    }
  }
}

TEST_CASE("softmax gives keys out of reach nothing, and keeps NaN") {
  for (const Kernels* kernels : all_kernels()) {
    Numbers row(64, -INFINITY);
    row[2] = row[20] = 1;
    kernels->softmax(row.data(), 30, 1, nullptr);
    CHECK(row[2] == 0.5f);
    CHECK(row[20] == 0.5f);
    CHECK(std::count(row.begin(), row.begin() + 30, 0.0f) == 28);
    Numbers broken(64, 0.0f);
    broken[1] = NAN;
    kernels->softmax(broken.data(), 3, 1, nullptr);
    CHECK(std::isnan(broken[1]));
  }
}
