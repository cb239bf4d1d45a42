#include "lmtx/teacher/http/adaptive_limit.h"

#include <algorithm>

namespace lmtx::http {

void AdaptiveLimit::on_answer(int64_t in_flight) {
  if (2 * in_flight < limit()) return;
  limit_ = std::min(static_cast<double>(most_), limit_ + (overloaded_ ? 1 / limit_ : 1));
}

void AdaptiveLimit::on_overload(TimePoint began, TimePoint now) {
  if (overloaded_ && began <= halved_) return;
  limit_ = std::max(static_cast<double>(least_), limit_ / 2);
  overloaded_ = true;
  halved_ = now;
}

}  // namespace lmtx::http
