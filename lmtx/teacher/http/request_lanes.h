// In which order requests go: a lane for each document that is being asked about. Internal.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "lmtx/export.h"
#include "lmtx/teacher/chat_protocol.h"
#include "lmtx/teacher/http/time.h"

namespace lmtx::http {

struct Job {
  // From 1, in the order in which they were made.
  int64_t number = 0;
  // Position among the questions of the call.
  size_t question = 0;
  ChatRequest request = {};
  // Prompt and answer, estimated.
  int64_t tokens = 0;
  bool logprobs = false;
  // About a label that a list left out.
  bool alone = false;
  // Failures so far, those of them that count as attempts, and when the last one was.
  int64_t failures = 0;
  int64_t attempts = 0;
  TimePoint failed = {};
};

// A server with a prefix cache computes what the requests about a document begin with once, if they come one after the other. So a free place is given to, in
// this order: a request whose wait for another try is over; the next request of a document that has none in flight; the first of a new document; the next one
// of a document whose first was answered. Without `warm_prefix` all requests go in plain order. Belongs to one thread.
class LMTX_API RequestLanes {
 public:
  // The requests of a question; called when its turn comes.
  using Make = std::function<std::vector<Job>(size_t question)>;

  // At most `max_open` documents are asked about at once.
  RequestLanes(size_t num_questions, size_t max_open, bool warm_prefix, Make make);

  // The request that is to go next, if any may go now; it stays the next one until it is taken.
  const Job* next(TimePoint now);
  // It is in flight until come_back(), and in work until finish().
  Job take();
  // It is not in flight any more; where it was answered, or refused for good, its document's prefix is known to the server.
  void come_back(const Job& job, bool answered);
  void finish(const Job& job);
  // It goes again, then.
  void again(Job job, TimePoint due);
  // One more request about its question, which is still in work.
  void add(Job job);

  // When the first of those that wait for another try may go.
  std::optional<TimePoint> next_due() const;
  // Nothing waits and nothing is in work.
  bool done() const { return next_question_ == num_questions_ && lanes_.empty(); }

 private:
  struct Lane {
    std::deque<Job> waiting;
    int64_t in_flight = 0, unfinished = 0;
    bool warm = false;
  };

  Lane* choose();
  Lane* open();
  template <typename Fits>
  Lane* find(Fits fits);

  const size_t num_questions_, max_open_;
  const bool warm_prefix_;
  const Make make_;
  size_t next_question_ = 0;
  // By question.
  std::map<size_t, Lane> lanes_;
  // By when they may go.
  std::multimap<TimePoint, Job> again_;
  std::optional<Job> next_;
};

}  // namespace lmtx::http
