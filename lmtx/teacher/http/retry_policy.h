// When a request that failed goes again. Internal.
#pragma once

#include <cstdint>
#include <ctime>
#include <optional>
#include <string>

#include "lmtx/export.h"

namespace lmtx::http {

struct RetryPolicy {
  double backoff_seconds = 0;
  double max_backoff_seconds = 0;
  uint64_t seed = 0;

  // Seconds to wait after a request's failure number `failures`, from 1: uniform between 0 and backoff_seconds * 2^(failures - 1), at most max_backoff_seconds
  // ("full jitter": Brooker, AWS Architecture Blog 2015), drawn from seed, request and failure.
  LMTX_API double delay(int64_t request, int64_t failures) const;
};

// The seconds of a header Retry-After (RFC 9110: a number or a date) or retry-after-ms; unset where it says nothing that makes sense. Past dates give 0.
LMTX_API std::optional<double> parse_retry_after(const std::string& text, std::time_t now);
LMTX_API std::optional<double> parse_retry_after_ms(const std::string& text);

}  // namespace lmtx::http
