// What all requests to one server share: how many may be in flight, how many a minute, pauses that it asked for, and whether it is there at all. Internal.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "lmtx/export.h"
#include "lmtx/teacher/http/adaptive_limit.h"
#include "lmtx/teacher/http/rate_limiter.h"
#include "lmtx/teacher/http/ruling.h"
#include "lmtx/teacher/http/time.h"
#include "lmtx/teacher/http_oracle.h"

namespace lmtx::http {

// Every method may be called from any thread. Each enter() that lets a request go is followed by one leave…().
class LMTX_API Gate {
 public:
  explicit Gate(const HttpOptions& options);

  // Lets a request of about so many tokens go (unset), or says when it is worth asking again.
  std::optional<TimePoint> enter(int64_t tokens, TimePoint now);
  // It was given up here: says nothing about the server.
  void leave();
  void leave_failed(const Ruling& ruling, TimePoint began, TimePoint now);
  // It came back with a body that might have the answers, which answered() or unreadable() was told of.
  void leave_responded();
  void answered(TimePoint now);
  void unreadable(const Ruling& ruling, TimePoint now);
  // What it took in truth.
  void correct(int64_t estimated, int64_t tokens, TimePoint now);

  // Why going on makes no sense; empty while it does.
  std::string gone(TimePoint now) const;
  // Whether a failure is the request's own, and counts as one of its attempts: the server works, and it does not look like an outage or others were answered
  // since the failure before.
  bool counts(const Ruling& ruling, TimePoint failed_before) const;
  bool ever_answered() const;

  int64_t limit() const;
  int64_t most_in_flight() const;

 private:
  void note_failure(const Ruling& ruling, TimePoint now);

  const double give_up_seconds_;
  mutable std::mutex mutex_;
  AdaptiveLimit limit_;
  RateLimiter rate_;
  int64_t in_flight_ = 0, most_in_flight_ = 0;
  TimePoint paused_until_ = {};
  // Of the server: the last answer, and what has failed since.
  std::optional<TimePoint> answered_, failing_since_;
  int64_t failures_ = 0, refusals_ = 0;
  std::string last_failure_;
};

}  // namespace lmtx::http
