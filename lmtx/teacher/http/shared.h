// What the calls of one oracle share. Internal.
#pragma once

#include <atomic>
#include <utility>

#include "lmtx/teacher/budget.h"
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
    return priced(usage, {.prompt = options.prompt_price, .cached = options.cached_price, .completion = options.completion_price}).cost;
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
