#include "lmtx/train/student_training.h"

#include <stdexcept>
#include <string>
#include <utility>

#include "lmtx/train/computing.h"
#include "lmtx/train/judged_steps.h"
#include "lmtx/train/mix_models.h"
#include "lmtx/train/step_training.h"
#include "lmtx/train/training_plan.h"
#include "lmtx/train/triplet_steps.h"

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

TrainingTexts texts_of(const StudentTrainingInput& input) {
  return {.documents = input.documents,
          .labels = input.labels,
          .suffix_size = input.suffix_size,
          .document_length = input.document_length,
          .label_length = input.label_length,
          .document_unpooled = input.document_unpooled,
          .label_unpooled = input.label_unpooled};
}

void train(const StudentTrainingInput& input, const TrainingSteps& steps, const EventCallback& on_event, std::stop_token stop, StudentTrainingResult& result) {
  StepTrainingResult trained =
      train_steps({.start = input.start, .steps = steps, .options = input.options, .cycle = input.cycle, .checkpoint_folder = input.checkpoint_folder},
                  on_event, std::move(stop));
  result.student = std::move(trained.student);
  result.steps = trained.steps;
  result.first_loss = trained.first_loss;
  result.last_loss = trained.last_loss;
}

StudentTrainingResult train_on_yeses(const StudentTrainingInput& input, const EventCallback& on_event, std::stop_token stop) {
  const TrainingPlan plan(input.judged, input.options, input.cycle);
  StudentTrainingResult result{.documents_with_yes = plan.documents_with_yes(), .documents_left_over = plan.documents_left_over()};
  train(input, TripletSteps(plan, texts_of(input), input.options, input.cycle), on_event, std::move(stop), result);
  return result;
}

StudentTrainingResult train_on_all_judged(const StudentTrainingInput& input, const EventCallback& on_event, std::stop_token stop) {
  const JudgedPlan plan(input.judged, input.options, input.cycle);
  StudentTrainingResult result{.documents_with_yes = plan.documents_with_positive()};
  train(input, JudgedSteps(plan, texts_of(input), input.options, input.cycle), on_event, std::move(stop), result);
  return result;
}

}  // namespace

StudentTrainingResult train_student(const StudentTrainingInput& input, const EventCallback& on_event, std::stop_token stop) {
  check_input(input);
  const auto train_by_plan = input.options.plan == "all_judged" ? train_on_all_judged : train_on_yeses;
  StudentTrainingResult result = train_by_plan(input, on_event, std::move(stop));
  result.documents_without_yes = static_cast<int64_t>(input.judged.size()) - result.documents_with_yes;
  if (result.student && input.options.base_mix < 1)
    result.student = mix_models(input.base ? *input.base : input.start, *result.student, input.options.base_mix);
  return result;
}

}  // namespace lmtx
