#include "lmtx/train/fitting_gradients.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "lmtx/train/card.h"

namespace lmtx {

namespace {

// Of a message with a trace behind it.
std::string first_line(const std::string& text) { return text.substr(0, std::min(text.find('\n'), text.size())); }

[[noreturn]] void nothing_fits(const PreparedBatch& batch, at::Device device, const std::string& fault) {
  int64_t longest = 0;
  for (const PreparedBatch::Part& part : batch.parts) longest = std::max(longest, part.tokens.num_tokens());
  throw std::runtime_error("Training does not fit the memory of " + card::describe(device) + ", not even one text of " + std::to_string(longest) +
                           " tokens at once (" + fault + "). Lower `document_length` or `batch_size`, or free memory there.");
}

}  // namespace

FittingGradients::FittingGradients(TrainingNetwork& network, BatchesAhead& batches, std::vector<at::Tensor> parameters, FittingOptions options)
    : network_(network), batches_(batches), parameters_(std::move(parameters)), options_(std::move(options)) {}

at::Tensor FittingGradients::add(BatchesAhead::Batch& batch, const std::stop_token& stop) {
  while (true) {
    std::string fault;
    if (const at::Tensor loss = attempt(batch, stop, fault); loss.defined()) return loss;
    if (options_.spare && options_.spare()) continue;
    if (options_.fixed_budget) refuse_budget(batch, std::move(fault), stop);
    cut(batch, fault);
    const int64_t budget = batch.prepared.options.token_budget;
    batches_.set_token_budget(budget);
    if (options_.on_lowered) options_.on_lowered(budget);
  }
}

at::Tensor FittingGradients::attempt(const BatchesAhead::Batch& batch, const std::stop_token& stop, std::string& fault) {
  try {
    return add_batch_gradients(network_, batch.prepared, options_.device, stop);
  } catch (const c10::OutOfMemoryError& error) {
    fault = first_line(error.what_without_backtrace());
  }
  // Behind the handler: what the error holds is let go of, too.
  drop_gradients();
  return {};
}

void FittingGradients::cut(BatchesAhead::Batch& batch, const std::string& fault) const {
  const int64_t smaller = batch.prepared.smaller_budget();
  if (smaller == 0) nothing_fits(batch.prepared, options_.device, fault);
  batches_.cut_again(batch, smaller);
}

// Which budget would do is found by trial.
void FittingGradients::refuse_budget(BatchesAhead::Batch& batch, std::string fault, const std::stop_token& stop) {
  const std::string refused = std::to_string(batch.prepared.options.token_budget);
  do {
    cut(batch, fault);
  } while (!attempt(batch, stop, fault).defined());
  drop_gradients();
  throw std::runtime_error("Training with `train_token_budget` " + refused + " does not fit the memory of " + card::describe(options_.device) +
                           ", and with `deterministic` it is not lowered by itself. " + std::to_string(batch.prepared.options.token_budget) +
                           " fits: start again in a new folder with it; with the same store nothing is asked twice.");
}

void FittingGradients::drop_gradients() {
  for (at::Tensor& parameter : parameters_) parameter.mutable_grad().reset();
  card::empty_cache(options_.device);
}

}  // namespace lmtx
