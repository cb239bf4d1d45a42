#include "lmtx/train/batch_gradients.h"

#include <ATen/core/grad_mode.h>

#include <map>
#include <memory>

#include "catch.h"
#include "lmtx/nn/safetensors.h"
#include "lmtx/stopped.h"
#include "lmtx/train/optimizer.h"
#include "lmtx/train/triplet_batch_loss.h"
#include "one_thread.h"
#include "student_fixtures.h"

using namespace lmtx;
using namespace lmtx::test;

namespace {

struct Fixture {
  explicit Fixture(const std::string& name)
      : model(SentenceModel::load(data_folder() / "models" / name)), described(detail::read_json(data_folder() / "train" / (name + ".gradients.json"))) {
    for (auto& [key, tensor] : read_safetensors(data_folder() / "train" / (name + ".gradients.safetensors"))) expected[key] = tensor;
  }

  TrainingBatch batch(size_t i) const {
    const detail::Json& json = described["batches"][i];
    return {json["documents"], json["labels"], triplet_loss_of(i, described["settings"]["hard_negatives"])};
  }

  // With one hard negative the weight of the loss, which is held in its gradient, is 1 anyway.
  TrainingBatch smooth_batch(size_t i) const {
    TrainingBatch batch = this->batch(i);
    batch.loss = triplet_loss_of(i, 1);
    return batch;
  }

  BatchGradientOptions options() const { return {.dropout = false}; }

  double loss(size_t i) const { return described["losses"][i]; }

  std::shared_ptr<const BatchLoss> triplet_loss_of(size_t i, int64_t hard_negatives) const {
    const detail::Json& settings = described["settings"];
    return std::make_shared<TripletBatchLoss>(BatchYeses::from_matrix(matrix_of(described["batches"][i]["is_yes"]).to(at::kBool)),
                                              TripletLossOptions{settings["margin"], hard_negatives, settings["temperature"]});
  }

  std::shared_ptr<SentenceModel> model;
  detail::Json described;
  std::map<std::string, at::Tensor> expected;
};

double add_batch_gradients(const SentenceModel& model, const TrainingBatch& batch, const BatchGradientOptions& options, const std::stop_token& stop = {}) {
  const auto network = model.training_network();
  return add_batch_gradients(*network, prepare_batch(batch, options, model.device()), model.device(), stop).item<double>();
}

std::shared_ptr<SentenceModel> trainable(const SentenceModel& model, at::ScalarType dtype) {
  auto copy = model.clone(dtype);
  for (auto& [name, parameter] : copy->parameters()) at::Tensor(parameter).requires_grad_();
  return copy;
}

std::vector<at::Tensor> tensors_of(const SentenceModel& model) {
  std::vector<at::Tensor> tensors;
  for (const auto& [name, parameter] : model.parameters()) tensors.push_back(parameter);
  return tensors;
}

// Of each parameter.
std::vector<at::Tensor> gradients_of(const SentenceModel& model, const TrainingBatch& batch, const BatchGradientOptions& options) {
  const auto copy = trainable(model, at::kDouble);
  add_batch_gradients(*copy, batch, options);
  std::vector<at::Tensor> gradients;
  for (const auto& [name, parameter] : copy->parameters()) gradients.push_back(parameter.grad());
  return gradients;
}

// Compares slopes of the loss with the gradient, at a few entries of every parameter. Dropout, being keyed, leaves the loss a function.
void check_against_finite_differences(const SentenceModel& start, const TrainingBatch& batch, const BatchGradientOptions& options) {
  const std::vector<at::Tensor> gradients = gradients_of(start, batch, options);
  const auto model = trainable(start, at::kDouble);
  const double h = 1e-6;
  for (size_t p = 0; p < gradients.size(); ++p) {
    const auto [name, parameter] = model->parameters()[p];
    INFO(name);
    const at::Tensor values = parameter.detach().view(-1), gradient = gradients[p].view(-1);
    const int64_t largest = gradient.abs().argmax().item<int64_t>();
    for (const int64_t i : {largest, values.numel() / 2}) {
      const double before = values[i].item<double>();
      values[i] = before + h;
      const double up = add_batch_gradients(*model, batch, options);
      values[i] = before - h;
      const double down = add_batch_gradients(*model, batch, options);
      values[i] = before;
      CHECK(gradient[i].item<double>() == Approx((up - down) / (2 * h)).epsilon(1e-4).margin(1e-7));
    }
  }
}

}  // namespace

TEST_CASE("loss and gradients through the whole encoder equal those of transformers and plain PyTorch") {
  const auto name = GENERATE(as<std::string>(), "bert", "distilbert");
  const auto [dtype, tolerance] = GENERATE(table<at::ScalarType, double>({{at::kDouble, 1e-8}, {at::kFloat, 1e-5}}));
  const Fixture fixture(name);
  const auto model = trainable(*fixture.model, dtype);
  CHECK(add_batch_gradients(*model, fixture.batch(0), fixture.options()) == Approx(fixture.loss(0)).margin(tolerance));
  size_t compared = 0;
  for (const auto& [key, parameter] : model->parameters()) {
    INFO(name << " " << key);
    CHECK(largest_difference(parameter.grad(), fixture.expected.at("gradient:" + key)) < tolerance);
    ++compared;
  }
  CHECK(2 * compared == fixture.expected.size());
}

TEST_CASE("ten steps of training equal those of transformers and torch.optim.AdamW") {
  const auto name = GENERATE(as<std::string>(), "bert", "distilbert");
  const auto [dtype, tolerance] = GENERATE(table<at::ScalarType, double>({{at::kDouble, 2e-7}, {at::kFloat, 1e-5}}));
  const Fixture fixture(name);
  const detail::Json& settings = fixture.described["settings"];
  const auto model = trainable(*fixture.model, dtype);
  AdamW optimizer(tensors_of(*model), {.epsilon = settings["epsilon"], .weight_decay = settings["weight_decay"]});
  for (size_t t = 1; t <= 10; ++t) {
    CHECK(add_batch_gradients(*model, fixture.batch(t - 1), fixture.options()) == Approx(fixture.loss(t - 1)).margin(tolerance));
    optimizer.step(learning_rate_at(static_cast<int64_t>(t), 10, settings["rate"], settings["warmup"]));
  }
  for (const auto& [key, parameter] : model->parameters()) {
    INFO(name << " " << key);
    CHECK(largest_difference(parameter.detach(), fixture.expected.at("after:" + key)) < tolerance);
  }
}

TEST_CASE("gradients in parts equal those of the whole batch") {
  const Fixture fixture("bert");
  TrainingBatch batch = fixture.batch(1);
  BatchGradientOptions options = fixture.options();
  batch.left_unpooled = GENERATE(0, 2);
  batch.right_unpooled = batch.left_unpooled / 2;
  const std::vector<at::Tensor> whole = gradients_of(*fixture.model, batch, options);
  // One sequence a part; a few; documents in one part and labels in another.
  options.token_budget = GENERATE(1, 20, 60);
  const std::vector<at::Tensor> parts = gradients_of(*fixture.model, batch, options);
  for (size_t i = 0; i < whole.size(); ++i) CHECK(largest_difference(whole[i], parts[i]) < 1e-12);
}

TEST_CASE("gradients equal finite differences") {
  const OneThread one_thread;
  const Fixture fixture(GENERATE(as<std::string>(), "bert", "distilbert"));
  BatchGradientOptions options = fixture.options();
  TrainingBatch batch = fixture.smooth_batch(2);
  SECTION("in one part without dropout") {}
  SECTION("in one part with dropout") { options.dropout = true; }
  SECTION("with prompts left out of pooling") {
    batch.left_unpooled = 2;
    batch.right_unpooled = 1;
  }
  SECTION("in several parts with dropout, whose masks must be those of the first pass") {
    options.dropout = true;
    options.token_budget = 20;
  }
  check_against_finite_differences(*fixture.model, batch, options);
}

TEST_CASE("dropout is drawn from its key") {
  const Fixture fixture("bert");
  BatchGradientOptions options = fixture.options();
  const auto model = trainable(*fixture.model, at::kFloat);
  TrainingBatch batch = fixture.batch(0);
  const double without = add_batch_gradients(*model, batch, options);
  options.dropout = true;
  const double first = add_batch_gradients(*model, batch, options), again = add_batch_gradients(*model, batch, options);
  batch.dropout_key = 1;
  const double other = add_batch_gradients(*model, batch, options);
  CHECK(first == again);
  CHECK(first != without);
  CHECK(first != other);
}

TEST_CASE("a stop request ends a batch") {
  const Fixture fixture("bert");
  const auto model = trainable(*fixture.model, at::kFloat);
  std::stop_source source;
  source.request_stop();
  CHECK_THROWS_AS(add_batch_gradients(*model, fixture.batch(0), fixture.options(), source.get_token()), Stopped);
}
