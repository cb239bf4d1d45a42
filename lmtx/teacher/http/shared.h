// What the calls of one oracle share. Internal.
#pragma once

#include <atomic>
#include <utility>

#include "lmtx/teacher/chat_protocol.h"
#include "lmtx/teacher/http/gate.h"
#include "lmtx/teacher/http/retry_policy.h"
#include "lmtx/teacher/http/secrets.h"
#include "lmtx/teacher/http/statistics.h"
#include "lmtx/teacher/http_oracle.h"

namespace lmtx::http {

inline ChatProtocol as_text(const ChatProtocol& protocol) {
  ChatOptions options = protocol.options();
  options.top_logprobs = 0;
  return ChatProtocol(std::move(options), protocol.prompt());
}

struct Shared {
  Shared(const HttpOptions& given, ChatProtocol chat)
      : options(given),
        protocol(std::move(chat)),
        text_protocol(as_text(protocol)),
        secrets(given.key_variable, given.header_variables),
        retry{.backoff_seconds = given.backoff_seconds, .max_backoff_seconds = given.max_backoff_seconds, .seed = given.seed},
        gate(given) {}

  const ChatProtocol& protocol_for(bool logprobs) const { return logprobs ? protocol : text_protocol; }

  double cost_of(const Usage& usage) const {
    const double cached_price = options.cached_price < 0 ? options.prompt_price : options.cached_price;
    const auto cost = [](int64_t tokens, double price) { return static_cast<double>(tokens) * price / 1e6; };
    return cost(usage.prompt_tokens - usage.cached_tokens, options.prompt_price) + cost(usage.cached_tokens, cached_price) +
           cost(usage.completion_tokens, options.completion_price);
  }

  const HttpOptions options;
  const ChatProtocol protocol;
  // Asks without log-probabilities; its identity is not used.
  const ChatProtocol text_protocol;
  const Secrets secrets;
  const RetryPolicy retry;
  Gate gate;
  Statistics statistics;
  // The server has refused log-probabilities.
  std::atomic<bool> without_logprobs = false;
};

}  // namespace lmtx::http
