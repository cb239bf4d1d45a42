// HttpStats, counted from several threads. Internal.
#pragma once

#include <algorithm>
#include <mutex>
#include <string>

#include "lmtx/teacher/http/ruling.h"
#include "lmtx/teacher/http_oracle.h"

namespace lmtx::http {

class Statistics {
 public:
  HttpStats get() const {
    const std::lock_guard lock(mutex_);
    return stats_;
  }
  void add(int64_t HttpStats::* count) {
    const std::lock_guard lock(mutex_);
    ++(stats_.*count);
  }
  void add(const Usage& usage) {
    const std::lock_guard lock(mutex_);
    stats_.prompt_tokens += usage.prompt_tokens;
    stats_.cached_tokens += usage.cached_tokens;
    stats_.completion_tokens += usage.completion_tokens;
    stats_.cost += usage.cost;
  }
  void add(const Ruling& ruling) {
    if (const auto count = count_of(ruling.cause)) add(count);
    if (ruling.wait) add(&HttpStats::waits);
  }
  void note(const std::string& what) {
    const std::lock_guard lock(mutex_);
    if (std::find(stats_.notes.begin(), stats_.notes.end(), what) == stats_.notes.end()) stats_.notes.push_back(what);
  }

 private:
  static int64_t HttpStats::* count_of(Ruling::Cause cause) {
    switch (cause) {
      case Ruling::Cause::overload:
        return &HttpStats::overloads;
      case Ruling::Cause::server:
        return &HttpStats::server_errors;
      case Ruling::Cause::connection:
        return &HttpStats::connection_errors;
      case Ruling::Cause::timeout:
        return &HttpStats::timeouts;
      case Ruling::Cause::answer:
        return &HttpStats::unreadable;
      case Ruling::Cause::refusal:
        return &HttpStats::refusals;
      default:
        return nullptr;
    }
  }

  mutable std::mutex mutex_;
  HttpStats stats_;
};

}  // namespace lmtx::http
