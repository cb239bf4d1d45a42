#include "lmtx/train/student_training.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/isfinite.h>
#include <c10/core/InferenceMode.h>

#include <cmath>
#include <cstdio>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "lmtx/detail/digest.h"
#include "lmtx/detail/options_json.h"
#include "lmtx/detail/random.h"
#include "lmtx/stopped.h"
#include "lmtx/train/batch_gradients.h"
#include "lmtx/train/checkpoint.h"
#include "lmtx/train/optimizer.h"
#include "lmtx/train/training_plan.h"

namespace lmtx {

namespace {

constexpr int64_t default_token_budget = 16384;

void check_number(const char* what, int64_t number, int64_t size) {
  if (number >= 0 && number < size) return;
  throw std::out_of_range(std::string("The numbers of judged ") + what + "s must be in [0, " + std::to_string(size) + "), the " + what + "s of the token file, but one is " +
                          std::to_string(number) + ".");
}

void check_input(const StudentTrainingInput& input) {
  check(input.options);
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

// Everything that the trained weights depend on, but for the tokens, which belong to the run.
detail::Digest key_of(const StudentTrainingInput& input, const TrainingPlan& plan) {
  detail::Hasher hasher;
  hasher.add("student training 1").add(detail::options_to_json(input.options).dump());
  for (const int64_t number : {input.cycle, input.suffix_size, input.document_length, input.label_length, input.document_unpooled, input.label_unpooled,
                               plan.documents_with_yes()})
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

class StudentTraining {
 public:
  StudentTraining(const StudentTrainingInput& input, const TrainingPlan& plan, const EventCallback& on_event, const std::stop_token& stop)
      : input_(input), options_(input.options), plan_(plan), on_event_(on_event), stop_(stop), student_(input.start.clone()), optimizer_(make_optimizer()) {
    state_.tensors = parameters_;
    state_.tensors.insert(state_.tensors.end(), optimizer_.first_moments().begin(), optimizer_.first_moments().end());
    state_.tensors.insert(state_.tensors.end(), optimizer_.second_moments().begin(), optimizer_.second_moments().end());
  }

  std::shared_ptr<SentenceModel> run() {
    resume();
    report();
    try {
      while (state_.step < plan_.num_steps()) take_step();
    } catch (const Stopped&) {
      // The unfinished step is discarded: it has changed gradients only.
      save();
      throw;
    }
    for (at::Tensor& parameter : parameters_) parameter.requires_grad_(false);
    return student_;
  }

  std::span<const double> losses() const { return state_.losses; }

 private:
  AdamW make_optimizer() {
    parameters_ = trainable(*student_);
    for (at::Tensor& parameter : parameters_) parameter.requires_grad_();
    return AdamW(parameters_, {.epsilon = options_.adam_epsilon, .weight_decay = options_.weight_decay});
  }

  bool keeps_checkpoints() const { return !input_.checkpoint_folder.empty(); }

  void resume() {
    if (!keeps_checkpoints()) return;
    state_.key = key_of(input_, plan_);
    if (!load_checkpoint(input_.checkpoint_folder, state_)) return;
    saved_step_ = state_.step;
    optimizer_.set_num_steps(state_.step);
  }

  void save() {
    if (!keeps_checkpoints() || state_.step == saved_step_) return;
    save_checkpoint(input_.checkpoint_folder, state_);
    saved_step_ = state_.step;
  }

  void take_step() {
    const int64_t t = state_.step + 1;
    const double loss = add_batch_gradients(*student_, batch_of(plan_.step(t)), gradient_options(t), stop_);
    if (!std::isfinite(loss)) diverged(t, loss);
    check_stop(stop_);
    optimizer_.step(learning_rate_at(t, plan_.num_steps(), options_.learning_rate, options_.warmup));
    state_.step = t;
    state_.losses.push_back(loss);
    if (t == plan_.num_steps()) check_weights(t);
    if (t % options_.checkpoint_every == 0 || t == plan_.num_steps()) save();
    report();
  }

  TrainingBatch batch_of(const TrainingStep& step) const {
    TrainingBatch batch{{}, {}, step.is_yes};
    for (const int64_t document : step.documents) batch.documents.push_back(cut_tokens(input_.documents[document], input_.document_length, input_.suffix_size));
    for (const int64_t label : step.labels) batch.labels.push_back(cut_tokens(input_.labels[label], input_.label_length, input_.suffix_size));
    return batch;
  }

  BatchGradientOptions gradient_options(int64_t t) const {
    return {.loss = {options_.margin, options_.hard_negatives, options_.violator_temperature},
            .token_budget = options_.train_token_budget ? options_.train_token_budget : default_token_budget,
            .document_unpooled = input_.document_unpooled,
            .label_unpooled = input_.label_unpooled,
            .dropout = options_.dropout,
            .dropout_key = detail::random_key(options_.seed, "dropout", {input_.cycle, t})};
  }

  [[noreturn]] void diverged(int64_t t, double loss) const {
    char rate[32];
    std::snprintf(rate, sizeof rate, "%g", options_.learning_rate);
    throw std::runtime_error("Training diverged: the loss of step " + std::to_string(t) + " is " + std::to_string(loss) + ". Lower `learning_rate` (now " + rate +
                             ") or raise `warmup`.");
  }

  // The loss of the step after would show it, but there is none.
  void check_weights(int64_t t) const {
    for (const at::Tensor& parameter : parameters_) {
      if (!at::isfinite(parameter.detach()).all().item<bool>()) diverged(t, std::nan(""));
    }
  }

  void report() const {
    if (!on_event_) return;
    char message[32] = "";
    if (!state_.losses.empty()) std::snprintf(message, sizeof message, "loss %.4f", state_.losses.back());
    on_event_({.stage = "train", .cycle = input_.cycle, .done = state_.step, .total = plan_.num_steps(), .message = message});
  }

  const StudentTrainingInput& input_;
  const TrainerOptions& options_;
  const TrainingPlan& plan_;
  const EventCallback& on_event_;
  const std::stop_token& stop_;
  std::shared_ptr<SentenceModel> student_;
  std::vector<at::Tensor> parameters_;
  AdamW optimizer_;
  TrainingState state_;
  int64_t saved_step_ = 0;
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
