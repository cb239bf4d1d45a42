#include "lmtx/teacher/callback_oracle.h"

#include <chrono>
#include <stdexcept>
#include <utility>

namespace lmtx {

CallbackOracle::CallbackOracle(std::string identity, Function function, TeacherTraits traits)
    : identity_(std::move(identity)), function_(std::move(function)), traits_(traits) {
  if (identity_.empty()) throw std::invalid_argument("A teacher's `identity` must not be empty: its judgments are kept under this name.");
  if (!function_) throw std::invalid_argument("The `function` of a CallbackOracle must not be empty.");
}

std::string CallbackOracle::identity() const { return identity_; }
TeacherTraits CallbackOracle::traits() const { return traits_; }

void CallbackOracle::judge(std::span<const Question> questions, AnswerSink& answers) {
  for (const Question& question : questions) {
    if (answers.stop().stop_requested()) return;
    const auto start = std::chrono::steady_clock::now();
    const std::vector<Verdict> verdicts = function_(question);
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    check_verdicts(question, verdicts);
    answers.put(question, verdicts, {.seconds = elapsed.count()});
  }
}

}  // namespace lmtx
