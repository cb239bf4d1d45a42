// How many requests may be in flight: grows while answers come well, halves when the server is overloaded. Internal.
#pragma once

#include <cstdint>

#include "lmtx/export.h"
#include "lmtx/teacher/http/time.h"

namespace lmtx::http {

// Additive increase, multiplicative decrease (Chiu and Jain 1989), with the slow start of TCP (RFC 5681): before the first overload the limit grows by one an
// answer, afterwards by one a round trip. Belongs to one thread.
class LMTX_API AdaptiveLimit {
 public:
  // 1 <= least <= start <= most.
  AdaptiveLimit(int64_t least, int64_t start, int64_t most) : least_(least), most_(most), limit_(static_cast<double>(start)) {}

  int64_t limit() const { return static_cast<int64_t>(limit_); }
  // A request came back well while `in_flight`, it included, were on their way: where half of the room is empty there is no reason to grow.
  void on_answer(int64_t in_flight);
  // A request that began then met an overload. Those that had begun before the last halving tell nothing new: it halves once a round trip.
  void on_overload(TimePoint began, TimePoint now);

 private:
  const int64_t least_, most_;
  double limit_;
  bool overloaded_ = false;
  TimePoint halved_ = {};
};

}  // namespace lmtx::http
