#include "lmtx/teacher/http/rate_limiter.h"

#include <algorithm>

namespace lmtx::http {

Bucket::Bucket(double per_minute) : per_second_(per_minute / 60), capacity_(std::max(1.0, 2 * per_second_)), level_(capacity_) {}

TimePoint Bucket::earliest(double amount, TimePoint now) {
  if (per_second_ <= 0) return now;
  fill(now);
  const double lacking = std::min(amount, capacity_) - level_;
  return lacking <= 0 ? now : after(now, lacking / per_second_ + 1e-6);  // Rounding must not let it come too early.
}

void Bucket::draw(double amount, TimePoint now) {
  if (per_second_ <= 0) return;
  fill(now);
  level_ = std::min(level_ - amount, capacity_);
}

void Bucket::fill(TimePoint now) {
  if (filled_ != TimePoint{}) level_ = std::min(capacity_, level_ + per_second_ * std::max(0.0, seconds_between(filled_, now)));
  filled_ = std::max(filled_, now);
}

TimePoint RateLimiter::earliest(int64_t tokens, TimePoint now) {
  return std::max(requests_.earliest(1, now), tokens_.earliest(static_cast<double>(tokens), now));
}

void RateLimiter::draw(int64_t tokens, TimePoint now) {
  requests_.draw(1, now);
  tokens_.draw(static_cast<double>(tokens), now);
}

}  // namespace lmtx::http
