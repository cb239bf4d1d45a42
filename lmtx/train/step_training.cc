#include "lmtx/train/step_training.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/isfinite.h>
#include <c10/core/InferenceMode.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "lmtx/detail/with_commas.h"
#include "lmtx/stopped.h"
#include "lmtx/train/batches_ahead.h"
#include "lmtx/train/card.h"
#include "lmtx/train/checkpoint.h"
#include "lmtx/train/checkpoint_writer.h"
#include "lmtx/train/computing.h"
#include "lmtx/train/fitting_gradients.h"
#include "lmtx/train/optimizer.h"
#include "lmtx/train/pending_losses.h"
#include "lmtx/train/training_key.h"

namespace lmtx {

namespace {

std::vector<at::Tensor> trainable(const SentenceModel& model) {
  std::vector<at::Tensor> parameters;
  for (const auto& [name, parameter] : model.parameters()) parameters.push_back(parameter);
  return parameters;
}

double mean(std::span<const double> values) { return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size()); }

// Steps whose loss may be unknown while the next is queued: a card never waits, and its queue stays short.
constexpr size_t most_pending = 4;

class StepTraining {
 public:
  StepTraining(const StepTrainingInput& input, const EventCallback& on_event, const std::stop_token& stop)
      : input_(input),
        options_(input.options),
        num_steps_(input.steps.num_steps()),
        on_event_(on_event),
        stop_(stop),
        student_(input.start.clone()),
        device_(student_->device()),
        computing_(resolve_computing(options_, *student_)),
        optimizer_(make_optimizer()),
        writer_(input.checkpoint_folder, device_) {
    state_.tensors = parameters_;
    state_.tensors.insert(state_.tensors.end(), optimizer_.first_moments().begin(), optimizer_.first_moments().end());
    state_.tensors.insert(state_.tensors.end(), optimizer_.second_moments().begin(), optimizer_.second_moments().end());
  }

  std::shared_ptr<SentenceModel> run() {
    resume();
    report();
    if (steps_done_ < num_steps_) train();
    for (at::Tensor& parameter : parameters_) parameter.requires_grad_(false);
    return student_;
  }

  std::span<const double> losses() const { return state_.losses; }

 private:
  AdamW make_optimizer() {
    parameters_ = trainable(*student_);
    for (at::Tensor& parameter : parameters_) parameter.requires_grad_();
    return AdamW(parameters_, {.epsilon = options_.adam_epsilon, .weight_decay = options_.weight_decay, .max_gradient_norm = options_.max_gradient_norm});
  }

  void resume() {
    if (!writer_.keeps()) return;
    state_.key = training_key(input_.start, input_.steps, options_, computing_);
    if (!load_checkpoint(input_.checkpoint_folder, state_)) return;
    steps_done_ = saved_step_ = state_.step;
    optimizer_.set_num_steps(state_.step);
  }

  void train() {
    const int64_t token_budget = state_.token_budget != 0 ? state_.token_budget : computing_.train_token_budget;
    network_ = student_->training_network(computing_.dtype);
    begin_ = std::chrono::steady_clock::now();
    first_step_ = steps_done_;
    batches_.emplace(input_.steps, steps_done_ + 1, BatchGradientOptions{.token_budget = token_budget, .dropout = options_.dropout}, device_);
    gradients_.emplace(*network_, *batches_, parameters_,
                       FittingOptions{.device = device_,
                                      .fixed_budget = computing_.deterministic,
                                      // A checkpoint in the making has a copy of everything.
                                      .spare = [this] { return writer_.wait(); },
                                      .on_lowered = [this](int64_t token_budget) { lower_budget(token_budget); }});
    const card::DeterministicScope deterministic(computing_.deterministic);
    try {
      while (steps_done_ < num_steps_) take_step();
    } catch (const Stopped&) {
      // The unfinished step is discarded: it has changed gradients only.
      take_losses(0);
      save();
      throw;
    }
  }

  void take_step() {
    const int64_t t = steps_done_ + 1;
    BatchesAhead::Batch batch = batches_->next(stop_);
    card::DeferredNumber loss(gradients_->add(batch, stop_));
    if (loss.is_there()) check_loss({t, loss.get()});
    check_stop(stop_);
    optimizer_.step(learning_rate_at(input_.steps_before + t, input_.steps_before + num_steps_ + input_.steps_after, options_.learning_rate, options_.warmup,
                                     options_.schedule, options_.final_rate));
    network_->refresh();
    steps_done_ = t;
    losses_.add(t, std::move(loss));
    take_losses(most_pending);
    if (t == num_steps_)
      finish();
    else if (t % options_.checkpoint_every == 0)
      save_behind();
    report();
  }

  void lower_budget(int64_t token_budget) {
    state_.token_budget = token_budget;
    notify("Step " + std::to_string(steps_done_ + 1) + " does not fit the memory of " + card::describe(device_) + "; going on with " +
           detail::with_commas(token_budget) + " tokens at once.");
  }

  void check_loss(const StepLoss& loss) const {
    if (!std::isfinite(loss.value)) diverged(loss.step, loss.value);
  }

  // Until at most so many are unknown.
  void take_losses(size_t most) {
    while (const auto loss = losses_.take(most)) {
      check_loss(*loss);
      state_.losses.push_back(loss->value);
      state_.step = loss->step;
    }
  }

  void finish() {
    take_losses(0);
    check_weights(steps_done_);
    // On a card, where a checkpoint takes as long as many steps, the student itself is saved right behind it.
    if (device_.is_cpu()) save();
  }

  void save() {
    if (!writer_.keeps()) return;
    if (state_.step == saved_step_)
      writer_.wait();
    else
      writer_.save(state_);
    saved_step_ = state_.step;
  }

  void save_behind() {
    if (!writer_.keeps() || writer_.is_writing()) return;
    // One that would not be done before the last step is of no use.
    if (seconds_left() < writer_.seconds()) return;
    // What diverged is in no checkpoint.
    take_losses(0);
    if (writer_.save_behind(state_)) saved_step_ = state_.step;
  }

  double seconds_left() const {
    const double passed = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
    return passed / static_cast<double>(steps_done_ - first_step_) * static_cast<double>(num_steps_ - steps_done_);
  }

  [[noreturn]] void diverged(int64_t t, double loss) const {
    char rate[32];
    std::snprintf(rate, sizeof rate, "%g", options_.learning_rate);
    throw std::runtime_error("Training diverged: the loss of step " + std::to_string(t) + " is " + std::to_string(loss) + ". Lower `learning_rate` (now " +
                             rate + ") or raise `warmup`.");
  }

  // The loss of the step after would show it, but there is none.
  void check_weights(int64_t t) const {
    for (const at::Tensor& parameter : parameters_) {
      if (!at::isfinite(parameter.detach()).all().item<bool>()) diverged(t, std::nan(""));
    }
  }

  // On a card the loss is that of a step before.
  void report() const {
    if (!on_event_) return;
    char message[32] = "";
    if (!state_.losses.empty()) std::snprintf(message, sizeof message, "loss %.4f", state_.losses.back());
    on_event_({.stage = "train", .cycle = input_.cycle, .done = steps_done_, .total = num_steps_, .message = message});
  }

  void notify(const std::string& message) const {
    if (on_event_) on_event_({.kind = Event::Kind::notice, .stage = "train", .cycle = input_.cycle, .message = message});
  }

  const StepTrainingInput& input_;
  const TrainerOptions& options_;
  const int64_t num_steps_;
  const EventCallback& on_event_;
  const std::stop_token& stop_;
  std::shared_ptr<SentenceModel> student_;
  const at::Device device_;
  const Computing computing_;
  std::vector<at::Tensor> parameters_;
  AdamW optimizer_;
  std::unique_ptr<TrainingNetwork> network_;
  std::optional<BatchesAhead> batches_;
  std::optional<FittingGradients> gradients_;
  PendingLosses losses_;
  // Its steps and losses are those that are known to be finite.
  TrainingState state_;
  CheckpointWriter writer_;
  int64_t steps_done_ = 0, saved_step_ = 0;
  // When this call began, behind which step.
  std::chrono::steady_clock::time_point begin_;
  int64_t first_step_ = 0;
};

}  // namespace

StepTrainingResult train_steps(const StepTrainingInput& input, const EventCallback& on_event, std::stop_token stop) {
  // Whatever mode the caller is in, here gradients are taken.
  const c10::InferenceMode no_inference(false);
  const at::AutoGradMode with_gradients(true);
  check(input.options);
  StepTrainingResult result;
  result.steps = input.steps.num_steps();
  if (result.steps == 0) return result;
  StepTraining training(input, on_event, stop);
  result.student = training.run();
  const size_t tenth = (training.losses().size() + 9) / 10;
  result.first_loss = mean(training.losses().first(tenth));
  result.last_loss = mean(training.losses().last(tenth));
  return result;
}

}  // namespace lmtx
