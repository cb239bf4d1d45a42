#include "lmtx/teacher/http/gate.h"

#include <algorithm>

namespace lmtx::http {

namespace {

// While all places are taken; a call whose own requests come back looks at once.
constexpr double full_seconds = 0.005;
// So many failures, or refusals, in a row are no accident.
constexpr int64_t least_failures = 3, least_refusals = 20;

}  // namespace

Gate::Gate(const HttpOptions& options)
    : give_up_seconds_(options.give_up_seconds),
      limit_(options.min_concurrency, options.starting_concurrency, options.max_concurrency),
      rate_(options.requests_per_minute, options.tokens_per_minute) {}

std::optional<TimePoint> Gate::enter(int64_t tokens, TimePoint now) {
  const std::lock_guard lock(mutex_);
  if (now < paused_until_) return paused_until_;
  if (in_flight_ >= limit_.limit()) return after(now, full_seconds);
  const TimePoint earliest = rate_.earliest(tokens, now);
  if (earliest > now) return earliest;
  rate_.draw(tokens, now);
  most_in_flight_ = std::max(most_in_flight_, ++in_flight_);
  return std::nullopt;
}

void Gate::leave() {
  const std::lock_guard lock(mutex_);
  --in_flight_;
}

void Gate::leave_responded() {
  const std::lock_guard lock(mutex_);
  limit_.on_answer(in_flight_--);
}

void Gate::answered(TimePoint now) {
  const std::lock_guard lock(mutex_);
  answered_ = now;
  failing_since_.reset();
  failures_ = refusals_ = 0;
}

void Gate::leave_failed(const Ruling& ruling, TimePoint began, TimePoint now) {
  const std::lock_guard lock(mutex_);
  --in_flight_;
  if (ruling.overload) limit_.on_overload(began, now);
  if (ruling.wait) paused_until_ = std::max(paused_until_, after(now, *ruling.wait));
  note_failure(ruling, now);
}

void Gate::unreadable(const Ruling& ruling, TimePoint now) {
  const std::lock_guard lock(mutex_);
  note_failure(ruling, now);
}

void Gate::correct(int64_t estimated, int64_t tokens, TimePoint now) {
  const std::lock_guard lock(mutex_);
  rate_.correct(estimated, tokens, now);
}

void Gate::note_failure(const Ruling& ruling, TimePoint now) {
  last_failure_ = ruling.reason;
  if (ruling.step != Step::again) {
    // The server is there, at least.
    failing_since_.reset();
    failures_ = 0;
    refusals_ += ruling.step == Step::refuse;
    return;
  }
  if (!failing_since_) failing_since_ = now;
  ++failures_;
}

std::string Gate::gone(TimePoint now) const {
  const std::lock_guard lock(mutex_);
  if (refusals_ >= least_refusals && !answered_)
    return "refuses whatever it is asked: the first " + std::to_string(refusals_) + " requests were refused, the last one with: " + last_failure_;
  if (!failing_since_ || failures_ < least_failures || seconds_between(*failing_since_, now) < give_up_seconds_) return "";
  return "has answered nothing for " + std::to_string(static_cast<int64_t>(seconds_between(*failing_since_, now))) + " seconds: " + std::to_string(failures_) +
         " requests in a row failed, the last one with: " + last_failure_;
}

bool Gate::counts(const Ruling& ruling, TimePoint failed_before) const {
  const std::lock_guard lock(mutex_);
  return answered_ && (!ruling.outage || *answered_ >= failed_before);
}

bool Gate::ever_answered() const {
  const std::lock_guard lock(mutex_);
  return answered_.has_value();
}

int64_t Gate::limit() const {
  const std::lock_guard lock(mutex_);
  return limit_.limit();
}

int64_t Gate::most_in_flight() const {
  const std::lock_guard lock(mutex_);
  return most_in_flight_;
}

}  // namespace lmtx::http
