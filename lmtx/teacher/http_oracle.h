// A language model behind an OpenAI-compatible server (vLLM, llama.cpp, hosted) as a teacher.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lmtx/export.h"
#include "lmtx/teacher/chat_protocol.h"
#include "lmtx/teacher/teacher_oracle.h"

namespace lmtx {

// None of it changes a verdict, so none of it is in the identity.
struct HttpOptions {
  // The server's base address with its version, such as "http://localhost:8000/v1": http or https, without user, query and fragment.
  std::string url = {};
  // The environment variable that holds the key, which is sent as "Authorization: Bearer KEY". Empty: no key. The key itself is in no message, file or
  // identity.
  std::string key_variable = {};
  // Further headers: name, and the environment variable that holds the value.
  std::vector<std::pair<std::string, std::string>> header_variables = {};

  // Requests in flight: at most, at first, and however overloaded the server is. In between their number follows what the server bears.
  int64_t max_concurrency = 64;
  int64_t starting_concurrency = 8;
  int64_t min_concurrency = 1;
  // What the server's owner allows; 0: no limit. Tokens are those of prompts and answers, estimated before a request and corrected after it.
  double requests_per_minute = 0;
  double tokens_per_minute = 0;

  // For a connection; from a request to its whole answer; from the first byte of an answer to its last.
  double connect_seconds = 10;
  double response_seconds = 120;
  double body_seconds = 30;

  // How often a request may fail before its pairs do; failures while nothing at all is answered do not count.
  int64_t attempts = 6;
  // Before try n + 1: a random part of backoff_seconds * 2^(n - 1), at most max_backoff_seconds; what the server asks for (Retry-After) on top.
  double backoff_seconds = 0.5;
  double max_backoff_seconds = 60;
  // When no request has got an answer for so long the server is gone: TeacherError.
  double give_up_seconds = 180;
  // How long requests in flight are waited for when the run wants to end.
  double stop_seconds = 0.8;

  // The first request about a document goes alone, so that the server has its prefix when the others come; meanwhile other documents are asked about.
  bool warm_prefix = true;
  // Give the text of answers to the sink, too.
  bool keep_raw = false;

  // Per million tokens, for Usage::cost. A cached token costs `cached_price` in the place of `prompt_price`; below 0: the same.
  double prompt_price = 0;
  double cached_price = -1;
  double completion_price = 0;

  // For back-off.
  uint64_t seed = 0;
};

// What happened so far. Requests are tries: each ends as an answer, as one of the failures, or given up on a stop request.
struct HttpStats {
  int64_t requests = 0;
  int64_t answers = 0;
  // Failures by kind: 429 and 503; other statuses of the server that pass; connections; time-outs; answers that could not be read; refused for good.
  int64_t overloads = 0;
  int64_t server_errors = 0;
  int64_t connection_errors = 0;
  int64_t timeouts = 0;
  int64_t unreadable = 0;
  int64_t refusals = 0;
  // Requests that were sent again, times that the server asked to wait, and labels asked about alone since a list left them out.
  int64_t retries = 0;
  int64_t waits = 0;
  int64_t asked_alone = 0;
  // Answers that lack the log-probabilities that were asked for.
  int64_t without_logprobs = 0;
  int64_t prompt_tokens = 0;
  int64_t cached_tokens = 0;
  int64_t completion_tokens = 0;
  double cost = 0;
  // Requests in flight at most, and allowed now.
  int64_t most_in_flight = 0;
  int64_t concurrency = 0;
  // What people should know, such as that the server gives no log-probabilities.
  std::vector<std::string> notes = {};
};

// Every method may be called from several threads; all share the limits. Calls of judge() overlap, so that the end of one leaves no request's place empty.
class LMTX_API HttpOracle : public TeacherOracle {
 public:
  // Nothing is sent before the first question. Throws std::invalid_argument naming what is wrong with the options or lacks in the environment, and
  // std::runtime_error where LMTX was built without libcurl (LMTX_HTTP=OFF).
  static std::shared_ptr<HttpOracle> make(HttpOptions options, ChatProtocol protocol);

  virtual const HttpOptions& options() const = 0;
  virtual const ChatProtocol& protocol() const = 0;
  virtual HttpStats stats() const = 0;
};

}  // namespace lmtx
