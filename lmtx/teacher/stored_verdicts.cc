#include "lmtx/teacher/stored_verdicts.h"

#include <algorithm>
#include <deque>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <unordered_map>
#include <utility>
#include <vector>

#include "lmtx/detail/quote.h"
#include "lmtx/teacher/asked_label.h"

namespace lmtx {

namespace {

// Questions with the labels that the store does not have.
class OpenQuestions {
 public:
  void add(const Question& question, std::vector<LabelToJudge> labels) {
    labels_.push_back(std::move(labels));
    Question open = question;
    open.labels = labels_.back();
    if (!by_uid_.emplace(open.uid, open).second) throw std::invalid_argument("Document " + detail::quote(open.uid) + " is in two questions of one call.");
    questions_.push_back(open);
  }

  std::span<const Question> all() const { return questions_; }

  // The asked question, with those of its labels that `answered` has, in its order: the store's key must not depend on what the teacher made of the texts.
  Question asked(const Question& answered, std::vector<LabelToJudge>& labels) const {
    const auto found = by_uid_.find(answered.uid);
    if (found == by_uid_.end()) throw std::invalid_argument("The teacher answered for document " + detail::quote(answered.uid) + ", which is not being asked.");
    Question question = found->second;
    for (const LabelToJudge& label : answered.labels) labels.push_back(question.labels[find_asked_label(question, label.uid)]);
    question.labels = labels;
    return question;
  }

 private:
  // Their elements stay where they are.
  std::deque<std::vector<LabelToJudge>> labels_;
  std::vector<Question> questions_;
  std::unordered_map<std::string_view, Question> by_uid_;
};

class StoringSink final : public AnswerSink {
 public:
  StoringSink(const OpenQuestions& open, JudgmentStore& store, const std::string& identity, AnswerSink& answers)
      : open_(open), store_(store), identity_(identity), answers_(answers) {}

  void put(const Question& question, std::span<const Verdict> verdicts, const Usage& usage, std::string_view raw) override {
    check_verdicts(question, verdicts);
    std::vector<LabelToJudge> labels;
    const Question asked = open_.asked(question, labels);
    if (const auto before = failure()) std::rethrow_exception(before);
    try {
      store_.put(identity_, asked, verdicts, usage, {}, raw);
      answers_.put(asked, as_stored(asked, verdicts), usage, raw);
    } catch (...) {
      // The teacher may make something else of it, or nothing.
      const std::lock_guard lock(mutex_);
      failure_ = std::current_exception();
      throw;
    }
  }

  // Why answers could not be kept or passed on.
  std::exception_ptr failure() const {
    const std::lock_guard lock(mutex_);
    return failure_;
  }

  std::stop_token stop() const override { return answers_.stop(); }

 private:
  // What counts is what the store holds now: another process that shares it may have been first.
  std::vector<Verdict> as_stored(const Question& asked, std::span<const Verdict> verdicts) const {
    std::vector<Verdict> stored(verdicts.begin(), verdicts.end());
    const auto held = store_.find(identity_, asked);
    for (size_t i = 0; i < held.size(); ++i) {
      if (held[i]) stored[i] = held[i]->verdict;
    }
    return stored;
  }

  const OpenQuestions& open_;
  JudgmentStore& store_;
  const std::string& identity_;
  AnswerSink& answers_;
  mutable std::mutex mutex_;
  std::exception_ptr failure_;
};

}  // namespace

StoredVerdicts::StoredVerdicts(std::shared_ptr<TeacherOracle> teacher, SharedStore store, std::string identity)
    : teacher_(std::move(teacher)), store_(std::move(store)), identity_(std::move(identity)) {
  if (!teacher_) throw std::invalid_argument("A teacher is needed whose verdicts are to be stored, but there is none.");
  if (identity_.empty()) identity_ = teacher_->identity();
}

void StoredVerdicts::judge(std::span<const Question> questions, AnswerSink& answers) const {
  JudgmentStore* store = store_.open();
  if (!store) return teacher_->judge(questions, answers);
  OpenQuestions open;
  for (const Question& question : questions) {
    if (answers.stop().stop_requested()) return;
    const auto held = store->find(identity_, question);
    std::vector<LabelToJudge> known, unknown;
    std::vector<Verdict> verdicts;
    for (size_t i = 0; i < held.size(); ++i) {
      (held[i] ? known : unknown).push_back(question.labels[i]);
      if (held[i]) verdicts.push_back(held[i]->verdict);
    }
    if (!known.empty()) {
      Question part = question;
      part.labels = known;
      answers.put(part, verdicts);
    }
    if (!unknown.empty()) open.add(question, std::move(unknown));
  }
  if (open.all().empty()) return;
  StoringSink sink(open, *store, identity_, answers);
  try {
    teacher_->judge(open.all(), sink);
  } catch (...) {
    if (!sink.failure()) throw;
  }
  if (const auto failure = sink.failure()) std::rethrow_exception(failure);
}

Usage StoredVerdicts::estimate(const Question& question) const {
  const JudgmentStore* store = store_.find();
  if (!store) return teacher_->estimate(question);
  const auto held = store->find(identity_, question);
  std::vector<LabelToJudge> unknown;
  for (size_t i = 0; i < held.size(); ++i) {
    if (!held[i]) unknown.push_back(question.labels[i]);
  }
  if (unknown.empty()) return {};
  Question part = question;
  part.labels = unknown;
  return teacher_->estimate(part);
}

}  // namespace lmtx
