// Calls the teacher, several times at once where its traits allow. Internal.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>

#include "lmtx/export.h"
#include "lmtx/teacher/teacher_oracle.h"
#include "lmtx/train/answer_book.h"

namespace lmtx {

// With `concurrent_calls` 1 every call runs in submit(), on its thread; else on threads of its own. Belongs to one thread, the only one that `on_progress` is called on.
class LMTX_API TeacherCalls {
 public:
  TeacherCalls(std::shared_ptr<TeacherOracle> teacher, std::shared_ptr<AnswerBook> book, int64_t concurrent_calls, std::function<void()> on_progress, std::stop_token stop);
  // Ends the calls as wait() does after a stop request.
  ~TeacherCalls();
  TeacherCalls(const TeacherCalls&) = delete;
  TeacherCalls& operator=(const TeacherCalls&) = delete;

  // Waits until a thread is about to be free. Throws what a call threw, once the others have returned; Stopped after a stop request.
  void submit(Call call);
  // Waits for all calls, and throws likewise. On a stop request it waits for at most a second: a call that blocks in foreign code is left behind, its answers are dropped.
  void wait();

 private:
  struct Shared;
  static void work(const std::shared_ptr<Shared>& shared);
  void wait_until(const std::function<bool()>& done);
  void abandon();

  std::shared_ptr<Shared> shared_;
  std::function<void()> on_progress_;
  std::stop_token stop_;
};

}  // namespace lmtx
