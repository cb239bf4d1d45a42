#include "lmtx/teacher/combined_oracle.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <unordered_map>
#include <utility>

#include "lmtx/detail/quote.h"
#include "lmtx/teacher/asked_label.h"

namespace lmtx {

namespace {

// What all teachers said to the questions of one call.
class Answers {
 public:
  Answers(std::span<const Question> questions, size_t num_teachers) : questions_(questions), verdicts_(questions.size()), usage_(questions.size()) {
    for (size_t q = 0; q < questions.size(); ++q) {
      verdicts_[q].resize(questions[q].labels.size(), std::vector<std::optional<Verdict>>(num_teachers));
      by_uid_.emplace(questions[q].uid, q);
    }
  }

  void take(size_t teacher, const Question& question, std::span<const Verdict> verdicts, const Usage& usage) {
    check_verdicts(question, verdicts);
    const auto found = by_uid_.find(question.uid);
    if (found == by_uid_.end()) throw std::invalid_argument("The teacher answered for document " + detail::quote(question.uid) + ", which is not being asked.");
    const size_t q = found->second;
    const std::lock_guard lock(mutex_);
    for (size_t i = 0; i < verdicts.size(); ++i) verdicts_[q][find_asked_label(questions_[q], question.labels[i].uid)][teacher] = verdicts[i];
    usage_[q] = usage_[q] + usage;
  }

  // Puts the labels of question `q` that all teachers answered.
  void put(size_t q, const Combination& combination, AnswerSink& answers) const {
    std::vector<LabelToJudge> labels;
    std::vector<Verdict> verdicts;
    for (size_t i = 0; i < verdicts_[q].size(); ++i) {
      const auto& of_teachers = verdicts_[q][i];
      if (std::any_of(of_teachers.begin(), of_teachers.end(), [](const auto& verdict) { return !verdict; })) continue;
      labels.push_back(questions_[q].labels[i]);
      verdicts.push_back(combined(of_teachers, combination));
    }
    if (labels.empty()) return;
    Question part = questions_[q];
    part.labels = labels;
    answers.put(part, verdicts, usage_[q]);
  }

 private:
  static Verdict combined(const std::vector<std::optional<Verdict>>& verdicts, const Combination& combination) {
    std::vector<double> scores;
    bool missing = false;
    for (const auto& verdict : verdicts) {
      if (verdict->kind() == Verdict::Kind::failed) return *verdict;
      missing = missing || verdict->kind() == Verdict::Kind::missing;
      scores.push_back(verdict->scored() ? verdict->score() : std::numeric_limits<double>::quiet_NaN());
    }
    const double score = combination(scores);
    return !std::isnan(score) ? Verdict::score(score) : missing ? Verdict::miss() : Verdict::abstain();
  }

  std::span<const Question> questions_;
  std::unordered_map<std::string_view, size_t> by_uid_;
  std::mutex mutex_;
  // [question][label][teacher]
  std::vector<std::vector<std::vector<std::optional<Verdict>>>> verdicts_;
  std::vector<Usage> usage_;
};

class TeachersSink final : public AnswerSink {
 public:
  TeachersSink(Answers& taken, size_t teacher, const AnswerSink& answers) : taken_(taken), teacher_(teacher), answers_(answers) {}
  void put(const Question& question, std::span<const Verdict> verdicts, const Usage& usage, std::string_view) override {
    taken_.take(teacher_, question, verdicts, usage);
  }
  std::stop_token stop() const override { return answers_.stop(); }

 private:
  Answers& taken_;
  size_t teacher_;
  const AnswerSink& answers_;
};

void check_distinct(const std::vector<StoredVerdicts>& teachers) {
  for (size_t i = 0; i < teachers.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (teachers[i].identity() == teachers[j].identity())
        throw std::invalid_argument("Two of the teachers have the identity " + detail::quote(teachers[i].identity(), 200) + ".");
    }
  }
}

}  // namespace

CombinedOracle::CombinedOracle(std::span<const std::shared_ptr<TeacherOracle>> teachers, Combination combination, SharedStore store)
    : combination_(std::move(combination)) {
  if (static_cast<int64_t>(teachers.size()) != combination_.num_teachers()) {
    throw std::invalid_argument("The combination is of " + std::to_string(combination_.num_teachers()) + " teachers, but there are " +
                                std::to_string(teachers.size()) + ".");
  }
  for (const auto& teacher : teachers) teachers_.emplace_back(teacher, store);
  check_distinct(teachers_);
}

std::string CombinedOracle::identity() const {
  std::string identity = combination_.identity() + "(";
  for (size_t t = 0; t < teachers_.size(); ++t) identity.append(t > 0 ? ", " : "").append(teachers_[t].identity());
  return identity + ")";
}

TeacherTraits CombinedOracle::traits() const {
  TeacherTraits common = teachers_.front().teacher().traits();
  for (const StoredVerdicts& each : teachers_) {
    const TeacherTraits traits = each.teacher().traits();
    common.questions_per_call = std::max(common.questions_per_call, traits.questions_per_call);
    common.concurrent_calls = std::min(common.concurrent_calls, traits.concurrent_calls);
  }
  return common;
}

Usage CombinedOracle::estimate(const Question& question) const {
  Usage sum;
  for (const StoredVerdicts& each : teachers_) sum = sum + each.estimate(question);
  return sum;
}

void CombinedOracle::judge(std::span<const Question> questions, AnswerSink& answers) {
  Answers taken(questions, teachers_.size());
  for (size_t t = 0; t < teachers_.size(); ++t) {
    if (answers.stop().stop_requested()) return;
    TeachersSink sink(taken, t, answers);
    teachers_[t].judge(questions, sink);
  }
  for (size_t q = 0; q < questions.size(); ++q) taken.put(q, combination_, answers);
}

}  // namespace lmtx
