#include "lmtx/teacher/scripted_oracle.h"

#include <stdexcept>
#include <utility>

namespace lmtx {

ScriptedOracle::ScriptedOracle(Rule rule, ScriptedOracleOptions options) : rule_(std::move(rule)), options_(std::move(options)) {
  if (!rule_) throw std::invalid_argument("The `rule` of a ScriptedOracle must not be empty.");
}

std::string ScriptedOracle::identity() const { return options_.identity; }
TeacherTraits ScriptedOracle::traits() const { return options_.traits; }

void ScriptedOracle::judge(std::span<const Question> questions, AnswerSink& answers) {
  for (const Question& question : questions) {
    if (answers.stop().stop_requested()) return;
    if (!remember(question)) continue;
    std::vector<Verdict> verdicts;
    for (const LabelToJudge& label : question.labels) verdicts.push_back(rule_(question.uid, label.uid));
    answers.put(question, verdicts);
  }
}

bool ScriptedOracle::remember(const Question& question) {
  const std::lock_guard lock(mutex_);
  if (options_.throw_after >= 0 && num_questions_ >= options_.throw_after) {
    throw TeacherError("The scripted teacher gave up after " + std::to_string(num_questions_) + " questions, as it was told to.");
  }
  ++num_questions_;
  bool first_time = true;
  for (const LabelToJudge& label : question.labels) first_time &= ++asked_[{std::string(question.uid), std::string(label.uid)}] == 1;
  return !(first_time && options_.skip_every > 0 && num_questions_ % options_.skip_every == 0);
}

std::map<std::pair<std::string, std::string>, int64_t> ScriptedOracle::asked() const {
  const std::lock_guard lock(mutex_);
  return asked_;
}

}  // namespace lmtx
