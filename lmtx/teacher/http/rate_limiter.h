// Requests and tokens a minute, as two token buckets. Internal.
#pragma once

#include <cstdint>

#include "lmtx/export.h"
#include "lmtx/teacher/http/time.h"

namespace lmtx::http {

// A bucket that fills at a constant rate and holds what comes in two seconds, at least one. It may be drawn below empty by one draw that is larger than it, or
// by a correction: then it takes longer until the next.
class LMTX_API Bucket {
 public:
  // `per_minute` 0: no limit. Full at first.
  explicit Bucket(double per_minute);
  // From when on `amount` may be drawn: `now` or later.
  TimePoint earliest(double amount, TimePoint now);
  // Negative gives back.
  void draw(double amount, TimePoint now);

 private:
  void fill(TimePoint now);

  double per_second_, capacity_, level_;
  TimePoint filled_ = {};
};

// Belongs to one thread.
class LMTX_API RateLimiter {
 public:
  // 0: no limit.
  RateLimiter(double requests_per_minute, double tokens_per_minute) : requests_(requests_per_minute), tokens_(tokens_per_minute) {}

  // From when on a request of about so many tokens, prompt and answer, may go: `now` or later.
  TimePoint earliest(int64_t tokens, TimePoint now);
  void draw(int64_t tokens, TimePoint now);
  // What a request took in truth is known.
  void correct(int64_t estimated, int64_t tokens, TimePoint now) { tokens_.draw(static_cast<double>(tokens - estimated), now); }

 private:
  Bucket requests_, tokens_;
};

}  // namespace lmtx::http
