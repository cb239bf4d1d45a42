// Inference against the differentiable network, and against itself in other batches and on other threads.
#include "lmtx/nn/cpu/inference.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <string>
#include <thread>
#include <vector>

#include "catch.h"
#include "fixtures.h"
#include "lmtx/encoder.h"
#include "lmtx/nn/sentence_model.h"
#include "lmtx/stopped.h"

using namespace lmtx;
using namespace lmtx::test;

namespace {

const std::vector<std::string> model_names = {"bert",  "bert-joined", "bert-prefixed-tanh", "distilbert", "distilbert-prefixed-relu", "roberta",
                                              "xlm-roberta-prefixed", "mpnet", "mpnet-dense", "modernbert", "modernbert-biased"};
constexpr ComputeDtype dtypes[] = {ComputeDtype::float32, ComputeDtype::int8, ComputeDtype::bfloat16};

at::Tensor infer(const cpu::Inference& inference, const Sequences& sequences) {
  const at::Tensor vectors = at::empty({static_cast<int64_t>(sequences.size()), inference.dim()});
  cpu::Workspaces workspaces;
  inference.compute(std::vector<cpu::Sequence>(sequences.begin(), sequences.end()), 0, vectors.mutable_data_ptr<float>(), workspaces);
  return vectors;
}

// Several times, so that there is more than one batch a thread.
Sequences many(const std::string& model) {
  const Sequences some = read_sequences(model);
  Sequences all;
  for (int i = 0; i < 40; ++i) all.insert(all.end(), some.begin(), some.end());
  return all;
}

class Threads {
 public:
  explicit Threads(int count) : before_(at::get_num_threads()) { at::set_num_threads(count); }
  ~Threads() { at::set_num_threads(before_); }

 private:
  int before_;
};

}  // namespace

TEST_CASE("inference in float32 gives the vectors of the network, with every instruction set") {
  const std::string name = GENERATE(from_range(model_names));
  const auto model = SentenceModel::load(models() / name);
  const Sequences sequences = read_sequences(name);
  const at::Tensor expected = model->forward(batch_of(sequences));
  for (const cpu::Kernels* kernels : cpu::all_kernels()) {
    INFO(name << ", " << kernels->name);
    CHECK(largest_difference(infer(*model->prepare(ComputeDtype::float32, kernels), sequences), expected) < 1e-5);
  }
}

TEST_CASE("vectors are the same bits in any batch and order, with any number of threads, in every dtype") {
  const std::string name = GENERATE(from_range(model_names));
  const auto model = SentenceModel::load(models() / name);
  const Sequences sequences = many(name), backward(sequences.rbegin(), sequences.rend());
  for (const ComputeDtype dtype : dtypes) {
    INFO(name << ", " << name_of(dtype));
    const auto inference = model->prepare(dtype);
    const at::Tensor expected = infer(*inference, sequences);
    CHECK(infer(*inference, backward).flip(0).equal(expected));
    for (const int threads : {1, 2, 3, 16}) {
      const Threads set(threads);
      INFO(threads << " threads");
      CHECK(infer(*inference, sequences).equal(expected));
      CHECK(infer(*inference, {sequences[0]})[0].equal(expected[0]));
      CHECK(infer(*inference, {sequences[1], sequences[2]})[1].equal(expected[2]));
    }
  }
}

TEST_CASE("lower dtypes stay near float32, and take less memory") {
  const auto model = SentenceModel::load(models() / "bert");
  const Sequences sequences = read_sequences("bert");
  const auto exact = model->prepare(), int8 = model->prepare(ComputeDtype::int8), bfloat16 = model->prepare(ComputeDtype::bfloat16);
  const double scale = infer(*exact, sequences).abs().max().item<double>();
  const double of_int8 = largest_difference(infer(*int8, sequences), infer(*exact, sequences)) / scale;
  const double of_bfloat16 = largest_difference(infer(*bfloat16, sequences), infer(*exact, sequences)) / scale;
  CHECK(of_int8 > 1e-5);
  CHECK(of_int8 < 5e-2);
  CHECK(of_bfloat16 > 1e-5);
  CHECK(of_bfloat16 < 2e-2);
  CHECK(int8->bytes() < exact->bytes() / 2);
  CHECK(bfloat16->bytes() < exact->bytes() * 2 / 3);
}

TEST_CASE("an encoder computes in the dtype it is asked for, whoever asks first") {
  const Encoder encoder = Encoder::load(models() / "bert");
  const std::vector<std::string_view> texts = {"a bad cab", "", "fed", "Z", "feed a deaf bee"};
  std::vector<at::Tensor> found(6);
  {
    std::vector<std::jthread> threads;
    for (size_t i = 0; i < found.size(); ++i) {
      threads.emplace_back([&, i] { found[i] = encoder.encode(texts, {.dtype = dtypes[i % 3], .deterministic = i >= 3}); });
    }
  }
  for (size_t i = 0; i < 3; ++i) {
    CHECK(found[i].equal(found[i + 3]));
    CHECK(found[i].equal(encoder.with_prompts({}, "").encode(texts, {.token_budget = 1, .dtype = dtypes[i]})));
    CHECK_FALSE(found[i].equal(found[(i + 1) % 3]));
  }
}

TEST_CASE("a stop request ends inference between layers") {
  const auto inference = SentenceModel::load(models() / "bert")->prepare();
  const Sequences sequences = many("bert");
  std::stop_source stop;
  stop.request_stop();
  std::vector<float> vectors(sequences.size() * inference->dim());
  cpu::Workspaces workspaces;
  CHECK_THROWS_AS(inference->compute(std::vector<cpu::Sequence>(sequences.begin(), sequences.end()), 0, vectors.data(), workspaces, stop.get_token()), Stopped);
}

TEST_CASE("names of dtypes are read, and others are refused with those there are") {
  for (const ComputeDtype dtype : dtypes) CHECK(parse_compute_dtype(name_of(dtype)) == dtype);
  CHECK(parse_compute_dtype("float16") == ComputeDtype::float16);
  CHECK_THROWS_WITH(parse_compute_dtype("float64"), "`dtype` must be one of \"float32\", \"int8\", \"bfloat16\", \"float16\", but is \"float64\" instead.");
}
