// One call of judge(): the loop that sends requests and takes what comes back. Internal.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "lmtx/teacher/http/answer_keeper.h"
#include "lmtx/teacher/http/request_lanes.h"
#include "lmtx/teacher/http/shared.h"
#include "lmtx/teacher/http/transport.h"

namespace lmtx::http {

class Call {
 public:
  // `transport` has nothing in flight, and is used by no other call meanwhile.
  Call(Shared& shared, Transport& transport, std::span<const Question> questions, AnswerSink& answers);

  // Throws what put() threw, and TeacherError where going on makes no sense, after what was on its way has been given time to come.
  void run();

 private:
  std::vector<Job> jobs_of(size_t question);
  bool wants_logprobs() const;
  Job make_job(size_t question, ChatRequest request, int64_t tokens, bool logprobs);
  bool ended();
  void stop_when_asked();
  void ask_for_text(Job& job) const;
  void start_requests();
  double patience();
  void take_responses();
  void rule(Job job, Response response);
  void follow(Job job, const Ruling& ruling);
  void retry(Job job, const Ruling& ruling);
  void give_up(const std::string& what);
  void take_kept();
  void settle(Kept kept);
  void close();

  Shared& shared_;
  Transport& transport_;
  const std::span<const Question> questions_;
  const std::stop_token stop_;
  RequestLanes lanes_;
  AnswerKeeper keeper_;
  std::unordered_map<int64_t, Job> in_flight_;
  int64_t num_jobs_ = 0;
  // Requests that the gate let go and that have not left yet.
  int64_t num_entered_ = 0;
  // When the gate may let the next request go.
  TimePoint next_entry_ = {};
  // No new requests; those in flight are waited for until then.
  std::optional<TimePoint> stopping_;
  std::string fatal_;
};

}  // namespace lmtx::http
