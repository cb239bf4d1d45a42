#include "lmtx/train/teacher_calls.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "lmtx/stopped.h"

namespace lmtx {

namespace {

using namespace std::chrono_literals;

// How often a waiting thread looks for progress and stop requests.
constexpr auto tick = 50ms;
// How long calls in foreign code are waited for when the run wants to end.
constexpr auto patience = 1s;

// Registers a call's questions while it runs.
class InFlight {
 public:
  InFlight(AnswerBook& book, const Call& call) : book_(book), call_(call) { book_.begin(call_); }
  ~InFlight() { book_.end(call_); }
  InFlight(const InFlight&) = delete;
  InFlight& operator=(const InFlight&) = delete;

 private:
  AnswerBook& book_;
  const Call& call_;
};

void judge(TeacherOracle& teacher, AnswerBook& book, const Call& call) {
  const InFlight in_flight(book, call);
  std::vector<Question> questions;
  for (const auto& asked : call) questions.push_back(asked->question());
  try {
    teacher.judge(questions, book);
  } catch (...) {
    if (!book.failure()) throw;
  }
  if (const auto failure = book.failure()) std::rethrow_exception(failure);
}

}  // namespace

// Outlives the TeacherCalls where a call was left behind.
struct TeacherCalls::Shared {
  std::shared_ptr<TeacherOracle> teacher;
  std::shared_ptr<AnswerBook> book;
  size_t num_threads = 0;

  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Call> waiting;
  size_t running = 0;
  bool ended = false;
  std::exception_ptr error;

  bool idle() const { return waiting.empty() && running == 0; }
};

TeacherCalls::TeacherCalls(std::shared_ptr<TeacherOracle> teacher, std::shared_ptr<AnswerBook> book, int64_t concurrent_calls,
                           std::function<void()> on_progress, std::stop_token stop)
    : shared_(std::make_shared<Shared>()), on_progress_(std::move(on_progress)), stop_(std::move(stop)) {
  shared_->teacher = std::move(teacher);
  shared_->book = std::move(book);
  shared_->num_threads = concurrent_calls > 1 ? static_cast<size_t>(concurrent_calls) : 0;
  for (size_t i = 0; i < shared_->num_threads; ++i) std::thread([shared = shared_] { work(shared); }).detach();
}

TeacherCalls::~TeacherCalls() { abandon(); }

void TeacherCalls::submit(Call call) {
  check_stop(stop_);
  if (shared_->num_threads == 0) {
    judge(*shared_->teacher, *shared_->book, call);
    on_progress_();
    return;
  }
  wait_until([&] { return shared_->waiting.size() < shared_->num_threads; });
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->waiting.push_back(std::move(call));
  }
  shared_->changed.notify_all();
}

void TeacherCalls::wait() {
  wait_until([&] { return shared_->idle(); });
  check_stop(stop_);
}

void TeacherCalls::work(const std::shared_ptr<Shared>& shared) {
  std::unique_lock lock(shared->mutex);
  for (;;) {
    shared->changed.wait(lock, [&] { return shared->ended || !shared->waiting.empty(); });
    if (shared->ended) return;
    const Call call = std::move(shared->waiting.front());
    shared->waiting.pop_front();
    ++shared->running;
    lock.unlock();
    std::exception_ptr error;
    try {
      judge(*shared->teacher, *shared->book, call);
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    --shared->running;
    if (error && !shared->error) shared->error = error;
    shared->changed.notify_all();
  }
}

// `done` is called with the lock held.
void TeacherCalls::wait_until(const std::function<bool()>& done) {
  std::unique_lock lock(shared_->mutex);
  while (!done() || shared_->error) {
    if (shared_->error) {
      // Calls in flight may hold answers that were paid for: they end by themselves, soon, being told to stop.
      shared_->waiting.clear();
      shared_->book->request_stop();
      if (shared_->running == 0) std::rethrow_exception(shared_->error);
    }
    shared_->changed.wait_for(lock, tick);
    lock.unlock();
    on_progress_();
    check_stop(stop_);
    lock.lock();
  }
}

void TeacherCalls::abandon() {
  std::unique_lock lock(shared_->mutex);
  shared_->ended = true;
  shared_->waiting.clear();
  if (shared_->running > 0) shared_->book->request_stop();
  shared_->changed.notify_all();
  const bool none_left = shared_->changed.wait_for(lock, patience, [&] { return shared_->running == 0; });
  // Threads that are about to end must not be the last to have the teacher: one that is written in Python would be destroyed by them while Python ends.
  const std::shared_ptr<TeacherOracle> teacher = none_left ? std::move(shared_->teacher) : nullptr;
  lock.unlock();
  shared_->book->drop_late_answers();
}

}  // namespace lmtx
