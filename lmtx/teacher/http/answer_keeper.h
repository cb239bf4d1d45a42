// Reads responses and hands the answers on, on a thread of its own, so that no socket waits for a disk. Internal.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "lmtx/teacher/http/request_lanes.h"
#include "lmtx/teacher/http/shared.h"

namespace lmtx::http {

// What became of a request that is back.
struct Kept {
  Job job;
  // There was a response to read.
  bool responded = false;
  // Unless the step is `read`, nothing of it was put.
  Ruling ruling = {};
  // Positions in the question of labels that a list left out.
  std::vector<size_t> left_out = {};
};

// push() and take() belong to one thread.
class AnswerKeeper {
 public:
  // `questions` and `answers` outlive it; `on_kept` is called on its thread when there is something to take.
  AnswerKeeper(Shared& shared, std::span<const Question> questions, AnswerSink& answers, std::function<void()> on_kept);
  ~AnswerKeeper() = default;

  void push(Job job, Response response);
  // Without a response to read: all labels of the request get this verdict.
  void push(Job job, const Verdict& verdict);
  std::vector<Kept> take();
  // Waits until what was pushed is kept, or could not be. Nothing may be pushed afterwards.
  void finish();
  // What put() threw; nothing is put after it.
  std::exception_ptr error() const;

 private:
  struct Waiting {
    Job job;
    Response response = {};
    std::optional<Verdict> verdict = {};
  };

  void push(Waiting waiting);
  void work(const std::stop_token& stop);
  std::optional<Waiting> next(const std::stop_token& stop);
  Kept keep(Waiting waiting);
  Kept read(Job job, const Response& response);
  void put(const Job& job, std::span<const size_t> labels, std::span<const Verdict> verdicts, const Usage& usage, const std::string& raw);

  Shared& shared_;
  const std::span<const Question> questions_;
  AnswerSink& answers_;
  const std::function<void()> on_kept_;

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Waiting> waiting_;
  std::vector<Kept> kept_;
  std::exception_ptr error_;
  // Last, so that it ends before what it uses.
  std::jthread thread_;
};

}  // namespace lmtx::http
