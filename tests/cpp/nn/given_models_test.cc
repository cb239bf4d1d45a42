// Models that tests/python/nn/test_architectures.py makes with transformers, and what that computes for them. It runs this test by its tag; alone it is hidden.
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "catch.h"
#include "fixtures.h"
#include "lmtx/nn/cpu/inference.h"
#include "lmtx/nn/ops.h"
#include "lmtx/nn/sentence_model.h"

using namespace lmtx;
using namespace lmtx::test;

namespace {

namespace fs = std::filesystem;

constexpr double float_tolerance = 1e-5;
constexpr double batch_tolerance = 1e-6;

std::vector<fs::path> given_models() {
  const char* folder = std::getenv("LMTX_GIVEN_MODELS");
  if (folder == nullptr) throw std::runtime_error("LMTX_GIVEN_MODELS must be the folder of the models.");
  std::vector<fs::path> models;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.is_directory()) models.push_back(entry.path());
  }
  return models;
}

fs::path beside(const fs::path& model, const char* ending) { return model.parent_path() / (model.filename().string() + ending); }

Sequences sequences_of(const fs::path& model) {
  std::ifstream in(beside(model, ".json"));
  return nlohmann::json::parse(in).get<Sequences>();
}

std::vector<cpu::Sequence> spans(const Sequences& sequences) { return {sequences.begin(), sequences.end()}; }

at::Tensor infer(const cpu::Inference& inference, const Sequences& sequences, int64_t unpooled = 0) {
  const at::Tensor vectors = at::empty({static_cast<int64_t>(sequences.size()), inference.dim()});
  cpu::Workspaces workspaces;
  inference.compute(spans(sequences), unpooled, vectors.mutable_data_ptr<float>(), workspaces);
  return vectors;
}

// The models' vectors are the first state and the mean of the states, so that without the first `place` tokens each begins with the state at `place`.
template <class Vectors>  // (number of tokens that are left out)
void check_states(const Vectors& vectors_without, const TokenBatch& batch, const at::Tensor& hidden) {
  for (int64_t place = 0; place < batch.max_length; place += place < 12 ? 1 : 29) {
    const at::Tensor vectors = vectors_without(place);
    for (int64_t i = 0; i < batch.size(); ++i) {
      if (batch.host_offsets[i] + place >= batch.host_offsets[i + 1]) continue;
      INFO("sequence " << i << ", token " << place);
      CHECK(largest_difference(vectors[i].narrow(0, 0, hidden.size(1)), hidden[batch.host_offsets[i] + place]) < float_tolerance);
    }
  }
}

void check_gradients(const SentenceModel& model, const TokenBatch& batch, const NamedTensors& expected) {
  for (auto [name, tensor] : model.parameters()) tensor.requires_grad_();
  model.forward(batch).mul(find(expected, "weights")).sum().backward();
  for (const auto& [name, tensor] : model.parameters()) {
    INFO(name);
    const at::Tensor gradient = find(expected, "gradient:" + name);
    REQUIRE(tensor.grad().defined());
    CHECK(largest_difference(tensor.grad(), gradient) < float_tolerance * std::max(1.0, gradient.abs().max().item<double>()));
  }
  CHECK(model.parameters().size() == expected.size() - 2);
}

void check_batches(const SentenceModel& model, const Sequences& sequences) {
  const at::Tensor together = ops::normalize(model.forward(batch_of(sequences)));
  for (size_t i = 0; i < sequences.size(); ++i) {
    CHECK(largest_difference(ops::normalize(model.forward(batch_of({sequences[i]})))[0], together[static_cast<int64_t>(i)]) < batch_tolerance);
  }
}

// To the last bit, in every dtype.
void check_inference_alone(const SentenceModel& model, const cpu::Kernels& kernels, const Sequences& sequences) {
  for (const ComputeDtype dtype : {ComputeDtype::float32, ComputeDtype::int8, ComputeDtype::bfloat16}) {
    INFO(name_of(dtype));
    const auto inference = model.prepare(dtype, &kernels);
    const at::Tensor together = infer(*inference, sequences);
    for (size_t i = 0; i < sequences.size(); ++i) CHECK(infer(*inference, {sequences[i]})[0].equal(together[static_cast<int64_t>(i)]));
  }
}

}  // namespace

TEST_CASE("given models have the hidden states and gradients that lie beside them, in any batch", "[.given]") {
  for (const fs::path& folder : given_models()) {
    INFO(folder.filename());
    const auto model = SentenceModel::load(folder);
    const Sequences sequences = sequences_of(folder);
    const NamedTensors expected = read_safetensors(beside(folder, ".expected.safetensors"));
    const auto forward = [&](int64_t unpooled) {
      TokenBatch batch = batch_of(sequences);
      batch.unpooled = unpooled;
      return model->forward(batch);
    };
    check_states(forward, batch_of(sequences), find(expected, "hidden"));
    for (const cpu::Kernels* kernels : cpu::all_kernels()) {
      INFO(kernels->name);
      const auto inference = model->prepare(ComputeDtype::float32, kernels);
      check_states([&](int64_t unpooled) { return infer(*inference, sequences, unpooled); }, batch_of(sequences), find(expected, "hidden"));
      check_inference_alone(*model, *kernels, sequences);
    }
    check_batches(*model, sequences);
    check_gradients(*model, batch_of(sequences), expected);
  }
}
