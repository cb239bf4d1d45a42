// The network in half precision on a card against the CPU's in float32: vectors and every gradient, of every architecture, in sizes that use every kernel.
#ifdef LMTX_CUDA
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <fstream>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "catch.h"
#include "fixtures.h"
#include "lmtx/detail/random.h"
#include "lmtx/nn/cuda/network.h"
#include "lmtx/nn/dropout.h"
#include "lmtx/nn/ops.h"
#include "lmtx/nn/sentence_model.h"
#include "lmtx/stopped.h"
#include "lmtx/train/card.h"

using namespace lmtx;
using namespace lmtx::test;

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const std::vector<std::string> model_names = {
    "bert",  "bert-joined", "bert-prefixed-tanh", "distilbert",       "distilbert-prefixed-relu", "roberta", "xlm-roberta-prefixed",
    "mpnet", "mpnet-dense", "modernbert",         "modernbert-biased"};
// One of each architecture, and without Dense modules, whose sizes depend on others.
const std::vector<std::string> architectures = {"bert-joined", "distilbert", "roberta", "xlm-roberta-prefixed", "mpnet", "modernbert", "modernbert-biased"};

// Where the largest of numbers decides, rounding them sends gradients elsewhere.
double with_kinks(const std::string& name, double tolerance) { return name == "bert-joined" ? 3 * tolerance : tolerance; }

bool has_card() {
  if (at::hasCUDA()) return true;
  WARN("skipped: this machine has no card");
  return false;
}

struct Size {
  int64_t dim, heads, inner, positions;
};

// A fixture's architecture in another size, with random weights.
class GrownModel {
 public:
  GrownModel(const std::string& name, const Size& size, const json& changes = {}) : size_(size) {
    fs::copy(models() / name, folder_.path, fs::copy_options::recursive);
    json config = read(folder_.path / "config.json");
    for (const char* key : {"hidden_size", "dim"}) set(config, key, size.dim);
    for (const char* key : {"num_attention_heads", "n_heads"}) set(config, key, size.heads);
    for (const char* key : {"intermediate_size", "hidden_dim"}) set(config, key, size.inner);
    set(config, "max_position_embeddings", size.positions);
    set(config, "local_attention", 64);
    for (const auto& [key, value] : changes.items()) config[key] = value;
    std::ofstream(folder_.path / "config.json") << config;
    grow_weights(name);
    grow_pooling();
  }

  const fs::path& path() const { return folder_.path; }

 private:
  static json read(const fs::path& file) {
    std::ifstream in(file);
    return json::parse(in);
  }
  static void set(json& config, const char* key, int64_t value) {
    if (config.contains(key)) config[key] = value;
  }

  int64_t grown(const std::string& name, int64_t size) const {
    if (name.find("Wqkv") != std::string::npos && size == 96) return 3 * size_.dim;
    if (name.find("Wi") != std::string::npos && size == 96) return 2 * size_.inner;
    return size == 32 ? size_.dim : size == 48 ? size_.inner : size;
  }

  void grow_weights(const std::string& name) {
    at::Generator generator = at::globalContext().defaultGenerator(at::kCPU);
    generator.set_current_seed(7);
    NamedTensors tensors = read_safetensors(models() / name / "model.safetensors");
    for (auto& [key, tensor] : tensors) {
      std::vector<int64_t> shape;
      for (const int64_t s : tensor.sizes()) shape.push_back(grown(key, s));
      if (key.find("position_embeddings.weight") != std::string::npos) shape[0] = size_.positions;
      if (key.find("relative_attention_bias") != std::string::npos) shape = {32, size_.heads};
      const bool is_norm = shape.size() == 1 && key.ends_with("weight");
      tensor = at::randn(shape).mul(is_norm ? 0.1 : 0.04).add(is_norm ? 1.0 : 0.0);
    }
    write_safetensors(folder_.path / "model.safetensors", tensors);
  }

  void grow_pooling() {
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path)) {
      if (entry.path().parent_path().filename() != "1_Pooling") continue;
      json config = read(entry.path());
      for (const char* key : {"word_embedding_dimension", "embedding_dimension"}) set(config, key, size_.dim);
      std::ofstream(entry.path()) << config;
    }
  }

  Size size_;
  TemporaryFolder folder_;
};

Sequences random_sequences(const std::vector<int64_t>& lengths, uint64_t seed) {
  lmtx::detail::KeyedRandom random(seed);
  Sequences sequences;
  for (const int64_t length : lengths) {
    auto& sequence = sequences.emplace_back();
    for (int64_t i = 0; i < length; ++i) sequence.push_back(static_cast<int32_t>(random.below(50)));
  }
  return sequences;
}

TokenBatch on_card(const TokenBatch& batch) {
  TokenBatch moved = batch;
  moved.ids = batch.ids.to(at::kCUDA);
  moved.offsets = batch.offsets.to(at::kCUDA);
  return moved;
}

double size_of(const at::Tensor& x) { return x.detach().to(at::kCPU, at::kDouble).norm().item<double>(); }
double relative_difference(const at::Tensor& ours, const at::Tensor& expected) {
  return size_of(ours.detach().to(at::kCPU, at::kDouble).sub(expected.detach().to(at::kCPU, at::kDouble))) / size_of(expected);
}

void track(const SentenceModel& model) {
  for (auto [name, tensor] : model.parameters()) tensor.requires_grad_();
}

// The same folder on the CPU and on the card.
struct Pair {
  explicit Pair(const fs::path& folder) : cpu(SentenceModel::load(folder)), card(SentenceModel::load(folder, at::Device(at::kCUDA, 0))) {
    track(*cpu);
    track(*card);
  }
  std::shared_ptr<SentenceModel> cpu, card;
};

void check_vectors(const Pair& models, const TokenBatch& batch, ComputeDtype dtype, double tolerance) {
  const c10::NoGradGuard no_grad;
  const at::Tensor ours = models.card->prepare_on_card(dtype)->forward(on_card(batch)), expected = models.cpu->forward(batch);
  REQUIRE(ours.sizes() == expected.sizes());
  const double difference = relative_difference(ours, expected);
  INFO(name_of(dtype) << ": relative difference " << difference);
  CHECK(difference < tolerance);
}

// Gradients of a random combination of the vectors; those that are zero but for rounding (of a key's bias) are measured against all others.
void check_gradients(const Pair& models, const TokenBatch& batch, uint64_t dropout_key, double tolerance) {
  const auto training = models.card->training_network(ComputeDtype::bfloat16);
  const at::Tensor weights = at::randn({batch.size(), models.cpu->dim()});
  Dropout cpu_dropout(dropout_key), card_dropout(dropout_key, at::Device(at::kCUDA, 0));
  const at::Tensor expected = models.cpu->forward(batch, dropout_key == 0 ? nullptr : &cpu_dropout);
  const at::Tensor ours = training->forward(on_card(batch), dropout_key == 0 ? nullptr : &card_dropout, {});
  CHECK(relative_difference(ours, expected) < tolerance);
  expected.mul(weights).sum().backward();
  ours.mul(weights.to(at::kCUDA)).sum().backward();
  const NamedTensors cpu = models.cpu->parameters(), card = models.card->parameters();
  double squares = 0, numbers = 0;
  for (const auto& [name, parameter] : cpu) {
    squares += std::pow(size_of(parameter.grad()), 2);
    numbers += static_cast<double>(parameter.numel());
  }
  for (size_t i = 0; i < cpu.size(); ++i) {
    INFO(cpu[i].first);
    REQUIRE(card[i].second.grad().defined());
    REQUIRE(card[i].second.grad().scalar_type() == at::kFloat);
    const at::Tensor gradient = card[i].second.grad().to(at::kCPU);
    REQUIRE(gradient.sizes() == cpu[i].second.grad().sizes());
    const double difference = size_of(gradient.sub(cpu[i].second.grad())), size = size_of(cpu[i].second.grad());
    INFO("difference " << difference << " of " << size);
    CHECK(difference < tolerance * size + 0.1 * tolerance * std::sqrt(squares / numbers * static_cast<double>(gradient.numel())));
  }
}

}  // namespace

TEST_CASE("small models give the CPU's vectors and gradients in half precision") {
  if (!has_card()) return;
  const std::string name = GENERATE(from_range(model_names));
  INFO(name);
  const Pair models(test::models() / name);
  TokenBatch batch = batch_of(read_sequences(name));
  batch.unpooled = GENERATE(0, 2);
  check_vectors(models, batch, ComputeDtype::float16, 5e-3);
  check_vectors(models, batch, ComputeDtype::bfloat16, 3e-2);
  // A relu in a network of 32 numbers: rounding changes which of few units work.
  if (!name.ends_with("relu")) check_gradients(models, batch, 0, with_kinks(name, 6e-2));
}

TEST_CASE("large models give the CPU's vectors and gradients in half precision") {
  if (!has_card()) return;
  const std::string name = GENERATE(from_range(architectures));
  const Size size = GENERATE(Size{768, 12, 3072, 300}, Size{384, 12, 1536, 300}, Size{128, 2, 264, 300}, Size{1024, 16, 2048, 300});
  INFO(name << " of width " << size.dim);
  const GrownModel folder(name, size);
  const Pair models(folder.path());
  for (const std::vector<int64_t>& lengths :
       {std::vector<int64_t>{209, 130, 64, 33, 7, 1}, std::vector<int64_t>{6, 1, 32, 9, 8, 17}, std::vector<int64_t>{5, 8, 3}}) {
    INFO("longest sequence " << lengths[0]);
    const TokenBatch batch = batch_of(random_sequences(lengths, 3));
    check_vectors(models, batch, ComputeDtype::float16, 5e-3);
    check_vectors(models, batch, ComputeDtype::bfloat16, 3e-2);
  }
  check_gradients(models, batch_of(random_sequences({209, 130, 64, 33, 7, 1}, 4)), 0, with_kinks(name, 5e-2));
}

TEST_CASE("every activation has its way back in half precision") {
  if (!has_card()) return;
  const std::string activation = GENERATE("gelu", "gelu_new", "relu", "silu");
  const bool gated = GENERATE(false, true);
  INFO(activation << (gated ? ", gated" : ""));
  const GrownModel folder(gated ? "modernbert-biased" : "bert-prefixed-tanh", {256, 4, 512, 300},
                          {{"hidden_act", activation}, {"hidden_activation", activation}});
  const Pair models(folder.path());
  check_gradients(models, batch_of(random_sequences({90, 40, 33, 5}, 5)), 0, activation == "relu" ? 0.15 : 5e-2);
}

namespace {

// Attention of short sequences in torch's operators, float64, with the masks that the kernel draws.
struct ShortReference {
  int64_t heads, head_dim;
  double p;
  std::optional<int64_t> window;
  uint64_t stream;

  // 0 or 1 / (1 - p'), p' the multiple of 2^-16 next to p.
  at::Tensor mask_of(int64_t item, int64_t length) const {
    at::Tensor mask = at::ones({length, length}, at::kDouble);
    const auto threshold = static_cast<uint64_t>(std::llround(p * 65536));
    for (int64_t query = 0; query < length; ++query) {
      for (int64_t key = 0; key < length; ++key) {
        const int64_t number = (item * 32 + query) * 32 + key;
        const uint64_t lane = (lmtx::detail::mix(stream + static_cast<uint64_t>(number / 4)) >> (16 * (number % 4))) & 0xffff;
        mask.index_put_({at::tensor(query), at::tensor(key)}, at::tensor(lane >= threshold ? 65536.0 / (65536.0 - static_cast<double>(threshold)) : 0.0));
      }
    }
    return mask;
  }

  at::Tensor operator()(const at::Tensor& qkv, const TokenBatch& batch) const {
    std::vector<at::Tensor> rows;
    for (int64_t i = 0; i < batch.size(); ++i) {
      const int64_t begin = batch.host_offsets[i], length = batch.host_offsets[i + 1] - begin;
      const at::Tensor own = qkv.narrow(0, begin, length).view({length, 3, heads, head_dim}).permute({1, 2, 0, 3});
      at::Tensor scores = own[0].matmul(own[1].transpose(-1, -2)).div(std::sqrt(static_cast<double>(head_dim)));
      if (window) {
        const at::Tensor place = at::arange(length);
        scores = scores.masked_fill(place.unsqueeze(1).sub(place).abs().gt(*window), -INFINITY);
      }
      at::Tensor weights = scores.softmax(-1);
      if (p > 0) {
        std::vector<at::Tensor> masks;
        for (int64_t head = 0; head < heads; ++head) masks.push_back(mask_of(i * heads + head, length));
        weights = weights.mul(at::stack(masks));
      }
      rows.push_back(weights.matmul(own[2]).transpose(0, 1).reshape({length, heads * head_dim}));
    }
    return at::cat(rows);
  }
};

}  // namespace

TEST_CASE("attention of short sequences and its way back equal torch's, with dropout and windows") {
  if (!has_card()) return;
  const int64_t head_dim = GENERATE(8, 16, 32, 64);
  const auto [longest, p, window] =
      GENERATE(table<int64_t, double, int64_t>({{6, 0.0, -1}, {8, 0.3, -1}, {13, 0.0, 3}, {16, 0.1, 4}, {32, 0.0, -1}, {31, 0.5, 7}}));
  INFO("heads of " << head_dim << ", up to " << longest << " tokens, dropout " << p << ", window " << window);
  const int64_t heads = 3;
  std::vector<int64_t> lengths;
  for (int64_t i = 0; i < 21; ++i) lengths.push_back(1 + i * 5 % longest);
  lengths[4] = longest;
  const TokenBatch batch = batch_of(random_sequences(lengths, 2));
  const at::Tensor qkv = at::randn({batch.num_tokens(), 3 * heads * head_dim}).to(at::kBFloat16),
                   gradient = at::randn({batch.num_tokens(), heads * head_dim}).to(at::kBFloat16);
  const LayerAttention layer{.window = window < 0 ? std::nullopt : std::optional(window)};
  const TokenBatch card_batch = on_card(batch);
  cuda::Positions positions;
  positions.short_ones = cuda::short_sequences(card_batch);
  const at::Tensor no_frequencies;
  REQUIRE(positions.short_ones.first(batch.size()) == 0);
  const cuda::AttentionCall call{
      .layer = layer, .frequencies = no_frequencies, .batch = card_batch, .positions = positions, .num_heads = heads, .dropout_p = p};
  Dropout dropout(5, at::Device(at::kCUDA, 0)), same(5);
  cuda::AttentionTape tape;
  const at::Tensor out = cuda::attend(call, qkv.to(at::kCUDA), p > 0 ? &dropout : nullptr, &tape);
  at::Tensor none;
  const auto [ours, sums] = cuda::attend_backward(call, tape, gradient.to(at::kCUDA), none);

  const ShortReference reference{heads, head_dim, p, layer.window, lmtx::detail::mix(same.next_stream())};
  const at::Tensor exact = qkv.to(at::kDouble).requires_grad_();
  const at::Tensor expected = reference(exact, batch);
  CHECK(relative_difference(out, expected) < 5e-3);
  expected.mul(gradient).sum().backward();
  CHECK(relative_difference(ours, exact.grad()) < 1e-2);
  CHECK(relative_difference(sums, exact.grad().sum(0)) < 2e-2);
}

TEST_CASE("dropout on a card drops what the CPU drops") {
  if (!has_card()) return;
  const std::string name = GENERATE(from_range(architectures));
  INFO(name);
  // Attention draws otherwise on a card, and ModernBERT has one setting for two places.
  const bool modern = name.starts_with("modernbert");
  const json changes = modern ? json{{"embedding_dropout", 0.2}, {"mlp_dropout", 0.3}, {"attention_dropout", 0.0}}
                              : json{{"hidden_dropout_prob", 0.2}, {"dropout", 0.2}, {"attention_probs_dropout_prob", 0.0}, {"attention_dropout", 0.0}};
  const GrownModel folder(name, {128, 4, 256, 300}, changes);
  const Pair models(folder.path());
  // By falling length, as the CPU sorts them: a mask belongs to a place in the batch.
  check_gradients(models, batch_of(random_sequences({90, 40, 12, 5}, 5)), 11, with_kinks(name, 5e-2));
}

TEST_CASE("dropout of attention weights is keyed and keeps the expectation") {
  if (!has_card()) return;
  const std::string name = GENERATE("bert-joined", "mpnet", "modernbert");
  const GrownModel folder(name, {128, 4, 256, 300}, {{"hidden_dropout_prob", 0.0}, {"attention_probs_dropout_prob", 0.3}, {"attention_dropout", 0.0}});
  const Pair models(folder.path());
  const auto training = models.card->training_network(ComputeDtype::bfloat16);
  const TokenBatch batch = on_card(batch_of(random_sequences({90, 40, 12, 5}, 5)));
  const c10::NoGradGuard no_grad;
  const auto vectors = [&](uint64_t key) {
    Dropout dropout(key, at::Device(at::kCUDA, 0));
    return training->forward(batch, &dropout, {});
  };
  CHECK(vectors(1).equal(vectors(1)));
  if (name == "modernbert") return;
  CHECK_FALSE(vectors(1).equal(vectors(2)));
  at::Tensor mean = at::zeros({batch.size(), models.card->dim()}, at::TensorOptions().dtype(at::kFloat).device(at::kCUDA));
  for (uint64_t key = 0; key < 64; ++key) mean.add_(vectors(key).div(64));
  CHECK(relative_difference(mean, training->forward(batch, nullptr, {})) < 0.1);
}

TEST_CASE("a batch computed in two passes gets the same dropout and the same gradients") {
  if (!has_card()) return;
  const GrownModel folder("distilbert", {128, 4, 256, 300}, {{"dropout", 0.1}, {"attention_dropout", 0.1}});
  const Pair models(folder.path());
  const auto training = models.card->training_network(ComputeDtype::bfloat16);
  const TokenBatch batch = on_card(batch_of(random_sequences({90, 40, 12, 5}, 5)));
  const auto vectors = [&] {
    Dropout dropout(3, at::Device(at::kCUDA, 0));
    return training->forward(batch, &dropout, {});
  };
  at::Tensor first;
  {
    const c10::NoGradGuard no_grad;
    first = vectors();
  }
  const at::Tensor second = vectors();
  CHECK(first.equal(second));
  second.sum().backward();
  const NamedTensors parameters = models.card->parameters();
  std::vector<at::Tensor> once;
  for (const auto& [name, parameter] : parameters) once.push_back(parameter.grad().clone());
  vectors().sum().backward();
  for (size_t i = 0; i < parameters.size(); ++i) {
    INFO(parameters[i].first);
    CHECK(relative_difference(parameters[i].second.grad(), once[i].mul(2)) < 1e-2);
  }
}

TEST_CASE("deterministic gradients are the same bits twice, of long texts, too") {
  if (!has_card()) return;
  const std::string name = GENERATE("distilbert", "modernbert");
  INFO(name);
  const GrownModel folder(name, {256, 4, 512, 600}, {{"dropout", 0.1}, {"attention_dropout", name == "distilbert" ? 0.1 : 0.0}});
  const Pair models(folder.path());
  const auto training = models.card->training_network(ComputeDtype::bfloat16);
  std::vector<int64_t> lengths(64, 500);
  lengths.insert(lengths.end(), 32, 6);
  const TokenBatch batch = on_card(batch_of(random_sequences(lengths, 5)));
  const at::Tensor weights = at::randn({batch.size(), models.card->dim()}).to(at::kCUDA);
  const card::DeterministicScope deterministic(true);
  std::vector<at::Tensor> once;
  for (int i = 0; i < 4; ++i) {
    Dropout dropout(3, at::Device(at::kCUDA, 0));
    training->forward(batch, &dropout, {}).mul(weights).sum().backward();
    for (size_t p = 0; auto& [key, parameter] : models.card->parameters()) {
      if (i == 0) {
        once.push_back(parameter.grad());
      } else {
        INFO(key);
        CHECK(parameter.grad().equal(once[p]));
      }
      ++p;
      parameter.mutable_grad().reset();
    }
  }
}

TEST_CASE("changed weights count after a refresh") {
  if (!has_card()) return;
  const Pair models(test::models() / "bert-joined");
  const auto training = models.card->training_network(ComputeDtype::bfloat16);
  const TokenBatch batch = batch_of(read_sequences("bert-joined"));
  const c10::NoGradGuard no_grad;
  for (const auto* model : {&models.cpu, &models.card}) {
    for (auto& [name, parameter] : (*model)->parameters()) parameter.detach().mul_(1.5);
  }
  training->refresh();
  CHECK(relative_difference(training->forward(on_card(batch), nullptr, {}), models.cpu->forward(batch)) < 3e-2);
}

TEST_CASE("a network on a card stops on request, forward and backward") {
  if (!has_card()) return;
  const Pair models(test::models() / "bert-joined");
  const auto training = models.card->training_network(ComputeDtype::bfloat16);
  const TokenBatch batch = on_card(batch_of(read_sequences("bert-joined")));
  std::stop_source source;
  const at::Tensor vectors = training->forward(batch, nullptr, source.get_token());
  source.request_stop();
  CHECK_THROWS_AS(vectors.sum().backward(), Stopped);
  CHECK_THROWS_AS(training->forward(batch, nullptr, source.get_token()), Stopped);
}

TEST_CASE("what has no kernels in half precision is refused by name") {
  if (!has_card()) return;
  const GrownModel folder("bert-joined", {36, 4, 48, 64});
  const auto card = SentenceModel::load(folder.path(), at::Device(at::kCUDA, 0));
  CHECK_THROWS_WITH(card->prepare_on_card(ComputeDtype::float16),
                    ContainsSubstring("whose width is a multiple of 8 and at most 2048, but it is 36; use float32."));
  CHECK_THROWS_WITH(card->prepare_on_card(ComputeDtype::int8), ContainsSubstring("cannot be computed in int8 on a card"));
  CHECK_THROWS_WITH(card->training_network(ComputeDtype::float16), ContainsSubstring("cannot be trained in float16; use float32."));
}
#endif
