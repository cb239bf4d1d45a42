#include "lmtx/train/student_training.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/isfinite.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <memory>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "lmtx/detail/digest.h"
#include "lmtx/detail/options_json.h"
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
#include "lmtx/train/training_plan.h"

namespace lmtx {

namespace {

void check_number(const char* what, int64_t number, int64_t size) {
  if (number >= 0 && number < size) return;
  throw std::out_of_range(std::string("The numbers of judged ") + what + "s must be in [0, " + std::to_string(size) + "), the " + what +
                          "s of the token file, but one is " + std::to_string(number) + ".");
}

void check_input(const StudentTrainingInput& input) {
  check(input.options);
  resolve_computing(input.options, input.start);
  for (const JudgedDocument& document : input.judged) {
    check_number("document", document.document, input.documents.size());
    for (const JudgedLabel& label : document.labels) check_number("label", label.label, input.labels.size());
  }
}

std::vector<at::Tensor> trainable(const SentenceModel& model) {
  std::vector<at::Tensor> parameters;
  for (const auto& [name, parameter] : model.parameters()) parameters.push_back(parameter);
  return parameters;
}

// Newer options that no student depends on, but for the verdicts it learns from.
constexpr const char* read_elsewhere[] = {
    "selection",           "held_out_labels",     "accept_confidence", "patience",         "asking",          "asking_breadth",
    "first_documents",     "cut_share",           "coverage_share",    "random_share",     "stop_after_noes", "prototype_weight",
    "prototype_no_weight", "prototype_shrinkage", "label_residuals",   "residual_penalty", "label_bias"};

// Options that earlier versions lack are left out where they change nothing, so that their checkpoints go on being used.
std::string options_of_key(const TrainerOptions& options, const Computing& computing) {
  detail::Json json = detail::options_to_json(options);
  if (options.search_token_budget == 0) json["search_token_budget"] = 4096;
  if (options.schedule == "linear") json.erase("schedule");
  if (options.max_gradient_norm == 0) json.erase("max_gradient_norm");
  json["dtype"] = name_of(computing.dtype);
  if (computing.dtype == ComputeDtype::float32) json.erase("dtype");
  if (!computing.deterministic) json.erase("deterministic");
  for (const char* name : read_elsewhere) json.erase(name);
  return json.dump();
}

// Everything that the trained weights depend on, but for the tokens, which belong to the run.
detail::Digest key_of(const StudentTrainingInput& input, const TrainingPlan& plan, const Computing& computing) {
  detail::Hasher hasher;
  hasher.add("student training 1").add(options_of_key(input.options, computing));
  for (const int64_t number :
       {input.cycle, input.suffix_size, input.document_length, input.label_length, input.document_unpooled, input.label_unpooled, plan.documents_with_yes()})
    hasher.add(number);
  for (int64_t i = 0; i < plan.documents_with_yes(); ++i) {
    hasher.add(plan.documents()[i]).add(static_cast<int64_t>(plan.yeses(i).size()));
    for (const int64_t label : plan.yeses(i)) hasher.add(label);
  }
  for (const auto& [name, parameter] : input.start.parameters()) {
    const at::Tensor on_host = parameter.detach().cpu().contiguous();
    hasher.add(name).add_raw(on_host.const_data_ptr(), on_host.nbytes());
  }
  return hasher.finish();
}

double mean(std::span<const double> values) { return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size()); }

// Steps whose loss may be unknown while the next is queued: a card never waits, and its queue stays short.
constexpr size_t most_pending = 4;

class StudentTraining {
 public:
  StudentTraining(const StudentTrainingInput& input, const TrainingPlan& plan, const EventCallback& on_event, const std::stop_token& stop)
      : input_(input),
        options_(input.options),
        plan_(plan),
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
    if (steps_done_ < plan_.num_steps()) train();
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
    state_.key = key_of(input_, plan_, computing_);
    if (!load_checkpoint(input_.checkpoint_folder, state_)) return;
    steps_done_ = saved_step_ = state_.step;
    optimizer_.set_num_steps(state_.step);
  }

  void train() {
    const int64_t token_budget = state_.token_budget != 0 ? state_.token_budget : computing_.train_token_budget;
    network_ = student_->training_network(computing_.dtype);
    begin_ = std::chrono::steady_clock::now();
    first_step_ = steps_done_;
    batches_.emplace(input_, plan_, steps_done_ + 1, token_budget, device_);
    gradients_.emplace(*network_, *batches_, parameters_,
                       FittingOptions{.device = device_,
                                      .fixed_budget = computing_.deterministic,
                                      // A checkpoint in the making has a copy of everything.
                                      .spare = [this] { return writer_.wait(); },
                                      .on_lowered = [this](int64_t token_budget) { lower_budget(token_budget); }});
    const card::DeterministicScope deterministic(computing_.deterministic);
    try {
      while (steps_done_ < plan_.num_steps()) take_step();
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
    optimizer_.step(learning_rate_at(t, plan_.num_steps(), options_.learning_rate, options_.warmup, options_.schedule));
    network_->refresh();
    steps_done_ = t;
    losses_.add(t, std::move(loss));
    take_losses(most_pending);
    if (t == plan_.num_steps())
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
    return passed / static_cast<double>(steps_done_ - first_step_) * static_cast<double>(plan_.num_steps() - steps_done_);
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
    on_event_({.stage = "train", .cycle = input_.cycle, .done = steps_done_, .total = plan_.num_steps(), .message = message});
  }

  void notify(const std::string& message) const {
    if (on_event_) on_event_({.kind = Event::Kind::notice, .stage = "train", .cycle = input_.cycle, .message = message});
  }

  const StudentTrainingInput& input_;
  const TrainerOptions& options_;
  const TrainingPlan& plan_;
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

StudentTrainingResult train_student(const StudentTrainingInput& input, const EventCallback& on_event, std::stop_token stop) {
  // Whatever mode the caller is in, here gradients are taken.
  const c10::InferenceMode no_inference(false);
  const at::AutoGradMode with_gradients(true);
  check_input(input);
  const TrainingPlan plan(input.judged, input.options, input.cycle);
  StudentTrainingResult result;
  result.documents_with_yes = plan.documents_with_yes();
  result.documents_without_yes = static_cast<int64_t>(input.judged.size()) - plan.documents_with_yes();
  result.documents_left_over = plan.documents_left_over();
  if (plan.num_steps() == 0) return result;
  StudentTraining training(input, plan, on_event, stop);
  result.student = training.run();
  result.steps = plan.num_steps();
  const size_t tenth = (training.losses().size() + 9) / 10;
  result.first_loss = mean(training.losses().first(tenth));
  result.last_loss = mean(training.losses().last(tenth));
  return result;
}

}  // namespace lmtx
