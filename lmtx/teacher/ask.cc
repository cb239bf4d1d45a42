#include "lmtx/teacher/ask.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "lmtx/detail/quote.h"
#include "lmtx/stopped.h"
#include "lmtx/teacher/asked_label.h"
#include "lmtx/teacher/stored_verdicts.h"

namespace lmtx {

namespace {

// How often the calling thread looks for progress and stop requests while others work.
constexpr auto tick = std::chrono::milliseconds(50);

// Counts the pairs that get as far as the teacher.
class CountingTeacher final : public TeacherOracle {
 public:
  explicit CountingTeacher(std::shared_ptr<TeacherOracle> teacher) : teacher_(std::move(teacher)) {}
  std::string identity() const override { return teacher_->identity(); }
  TeacherTraits traits() const override { return teacher_->traits(); }
  void judge(std::span<const Question> questions, AnswerSink& answers) override {
    for (const Question& question : questions) asked_ += static_cast<int64_t>(question.labels.size());
    teacher_->judge(questions, answers);
  }
  int64_t asked() const { return asked_; }

 private:
  std::shared_ptr<TeacherOracle> teacher_;
  std::atomic<int64_t> asked_{0};
};

// Positions of questions, in order; a call has no document twice.
using Call = std::vector<size_t>;

std::vector<Call> make_calls(std::span<const Question> questions, int64_t questions_per_call) {
  const size_t most = questions_per_call > 0 ? static_cast<size_t>(questions_per_call) : questions.size();
  std::vector<Call> calls;
  std::unordered_set<std::string_view> uids;
  for (size_t q = 0; q < questions.size(); ++q) {
    if (calls.empty() || calls.back().size() == most || uids.contains(questions[q].uid)) {
      calls.emplace_back();
      uids.clear();
    }
    calls.back().push_back(q);
    uids.insert(questions[q].uid);
  }
  return calls;
}

// Takes the answers of one call down.
class CallSink final : public AnswerSink {
 public:
  CallSink(std::span<const Question> questions, const Call& call, std::stop_token stop, AskedVerdicts& result, std::mutex& mutex)
      : questions_(questions), stop_(std::move(stop)), result_(result), mutex_(mutex) {
    for (const size_t q : call) by_uid_.emplace(questions[q].uid, q);
  }

  void put(const Question& question, std::span<const Verdict> verdicts, const Usage& usage, std::string_view) override {
    check_verdicts(question, verdicts);
    const auto found = by_uid_.find(question.uid);
    if (found == by_uid_.end()) throw std::invalid_argument("The teacher answered for document " + detail::quote(question.uid) + ", which is not being asked.");
    const size_t q = found->second;
    const std::lock_guard lock(mutex_);
    for (size_t i = 0; i < verdicts.size(); ++i) result_.verdicts[q][find_asked_label(questions_[q], question.labels[i].uid)] = verdicts[i];
    result_.usage = result_.usage + usage;
  }

  std::stop_token stop() const override { return stop_; }

 private:
  std::span<const Question> questions_;
  std::stop_token stop_;
  AskedVerdicts& result_;
  std::mutex& mutex_;
  std::unordered_map<std::string_view, size_t> by_uid_;
};

class Asking {
 public:
  Asking(const StoredVerdicts& verdicts, std::span<const Question> questions, const AskOptions& options, const std::stop_token& stop, AskedVerdicts& result)
      : verdicts_(verdicts), questions_(questions), options_(options), stop_(stop), result_(result) {
    const TeacherTraits traits = verdicts.teacher().traits();
    calls_ = make_calls(questions, traits.questions_per_call);
    num_threads_ = std::min<size_t>(calls_.size(), static_cast<size_t>(std::max<int64_t>(traits.concurrent_calls, 1)));
  }

  void run() {
    check_stop(stop_);
    if (num_threads_ <= 1) return run_here();
    std::vector<std::jthread> threads;
    for (size_t i = 0; i < num_threads_; ++i) threads.emplace_back([this] { work(); });
    std::unique_lock lock(mutex_);
    while (num_ended_ < num_threads_) {
      changed_.wait_for(lock, tick);
      lock.unlock();
      try {
        report();
        check_stop(stop_);
      } catch (...) {
        lock.lock();
        end_with(std::current_exception());
        continue;
      }
      lock.lock();
    }
    if (error_) std::rethrow_exception(error_);
    lock.unlock();
    report();
  }

 private:
  void run_here() {
    for (const Call& call : calls_) {
      check_stop(stop_);
      judge(call, stop_);
      report();
    }
    check_stop(stop_);
  }

  void work() {
    while (const Call* call = take()) {
      try {
        judge(*call, ending_.get_token());
      } catch (...) {
        const std::lock_guard lock(mutex_);
        end_with(std::current_exception());
      }
    }
    const std::lock_guard lock(mutex_);
    ++num_ended_;
    changed_.notify_all();
  }

  // Null when there is nothing left to do.
  const Call* take() {
    const std::lock_guard lock(mutex_);
    return next_ < calls_.size() && !error_ ? &calls_[next_++] : nullptr;
  }

  // With the lock held.
  void end_with(std::exception_ptr error) {
    if (!error_) error_ = std::move(error);
    ending_.request_stop();
  }

  void judge(const Call& call, const std::stop_token& stop) {
    std::vector<Question> questions;
    for (const size_t q : call) questions.push_back(questions_[q]);
    CallSink sink(questions_, call, stop, result_, answers_mutex_);
    verdicts_.judge(questions, sink);
    const std::lock_guard lock(mutex_);
    num_done_ += static_cast<int64_t>(call.size());
  }

  void report() {
    if (!options_.on_progress) return;
    std::unique_lock lock(mutex_);
    const int64_t done = num_done_;
    lock.unlock();
    options_.on_progress(done);
  }

  const StoredVerdicts& verdicts_;
  std::span<const Question> questions_;
  const AskOptions& options_;
  std::stop_token stop_;
  AskedVerdicts& result_;
  std::vector<Call> calls_;
  size_t num_threads_ = 0;

  std::mutex mutex_, answers_mutex_;
  std::condition_variable changed_;
  std::stop_source ending_;
  size_t next_ = 0, num_ended_ = 0;
  int64_t num_done_ = 0;
  std::exception_ptr error_;
};

}  // namespace

AskedVerdicts ask(const std::shared_ptr<TeacherOracle>& teacher, std::span<const Question> questions, const AskOptions& options, const std::stop_token& stop) {
  if (!teacher) throw std::invalid_argument("A teacher is needed to ask, but there is none.");
  const auto counting = std::make_shared<CountingTeacher>(teacher);
  const StoredVerdicts verdicts(counting, options.store, options.identity);
  AskedVerdicts result;
  for (const Question& question : questions) result.verdicts.emplace_back(question.labels.size());
  Asking(verdicts, questions, options, stop, result).run();
  result.asked = counting->asked();
  return result;
}

}  // namespace lmtx
