// The network as training sees it: a function that autograd knows the way back of.
#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>

#include <memory>
#include <utility>

#include "lmtx/nn/cuda/network.h"

namespace lmtx::cuda {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Parameters get their gradients from Network::backward() itself; `anchor` is there so that autograd calls it.
struct Pooled : torch::autograd::Function<Pooled> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& anchor, const Network* network, const TokenBatch* batch, Dropout* dropout,
                            const std::stop_token* stop) {
    static_cast<void>(anchor);
    auto tape = c10::make_intrusive<Tape>();
    tape->network = network;
    at::Tensor pooled = network->pooled(*batch, dropout, tape.get(), *stop);
    context->saved_data["tape"] = c10::IValue::make_capsule(std::move(tape));
    return pooled;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto held = context->saved_data["tape"].toCapsule();
    auto& tape = static_cast<Tape&>(*held);
    tape.network->backward(tape, gradients[0]);
    return variable_list(5);
  }
};

class HalfPrecisionTraining final : public TrainingNetwork {
 public:
  HalfPrecisionTraining(const TransformerSettings& settings, const TransformerWeights& weights, at::ScalarType dtype)
      : network_(settings, weights, dtype), anchor_(at::zeros({}, weights.embeddings.words.options()).requires_grad_()) {}

  at::Tensor forward(const TokenBatch& batch, Dropout* dropout, const std::stop_token& stop) override {
    const at::Tensor pooled =
        at::GradMode::is_enabled() ? Pooled::apply(anchor_, &network_, &batch, dropout, &stop) : network_.pooled(batch, dropout, nullptr, stop);
    return network_.head().finish(pooled);
  }
  void refresh() override { network_.refresh(); }

 private:
  Network network_;
  at::Tensor anchor_;
};

}  // namespace

std::unique_ptr<TrainingNetwork> training_network(const TransformerSettings& settings, const TransformerWeights& weights, at::ScalarType dtype) {
  return std::make_unique<HalfPrecisionTraining>(settings, weights, dtype);
}

}  // namespace lmtx::cuda
