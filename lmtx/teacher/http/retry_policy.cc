#include "lmtx/teacher/http/retry_policy.h"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "lmtx/detail/random.h"

namespace lmtx::http {

namespace {

std::optional<double> parse_number(const std::string& text) {
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (error != std::errc() || rest != end || !std::isfinite(number) || number < 0) return std::nullopt;
  return number;
}

}  // namespace

double RetryPolicy::delay(int64_t request, int64_t failures) const {
  const double doublings = static_cast<double>(std::min<int64_t>(failures - 1, 60));
  const double most = std::min(max_backoff_seconds, backoff_seconds * std::exp2(doublings));
  return most * detail::KeyedRandom(detail::random_key(seed, "back-off", {request, failures})).uniform();
}

std::optional<double> parse_retry_after(const std::string& text, std::time_t now) {
  if (const auto seconds = parse_number(text)) return seconds;
  const std::time_t date = curl_getdate(text.c_str(), nullptr);
  if (date == -1) return std::nullopt;
  return std::max(0.0, std::difftime(date, now));
}

std::optional<double> parse_retry_after_ms(const std::string& text) {
  const auto milliseconds = parse_number(text);
  return milliseconds ? std::optional(*milliseconds / 1000) : std::nullopt;
}

}  // namespace lmtx::http
