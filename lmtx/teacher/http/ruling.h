// What to make of a response. Internal.
#pragma once

#include <optional>
#include <string>

#include "lmtx/export.h"
#include "lmtx/teacher/http/secrets.h"
#include "lmtx/teacher/http/transport.h"
#include "lmtx/teacher/verdict.h"

namespace lmtx::http {

enum class Step {
  // The body may have the answers.
  read,
  // The same request may be answered the next time.
  again,
  // This request never will be: its pairs get `verdict`.
  refuse,
  // The server gives no log-probabilities: ask for text.
  without_logprobs,
  // No request will be: wrong key, unknown model.
  give_up,
};

struct Ruling {
  Step step = Step::read;
  // One line for people, without keys; empty with Step::read.
  std::string reason = {};
  Verdict verdict = Verdict::abstain();
  // What counts in statistics.
  enum class Cause { none, overload, server, connection, timeout, answer, refusal } cause = Cause::none;
  // The server would rather have fewer requests at once.
  bool overload = false;
  // As if nobody were there to answer anything: no fault of this request's own.
  bool outage = false;
  // Seconds that it asks to wait, ten minutes at most.
  std::optional<double> wait = {};
};

// Again: no connection, a broken one, a time-out, 408, 409, 425, 429 and 5xx but 501 and 505. Refused: too long for the context, or 413 (missing: it depends on
// how the server was started), a filter for contents (abstained), an answer that is too large and other 4xx (failed). Given up: 3xx, 401, 402, 403, 404, 405,
// 429 where the money is gone, certificates.
LMTX_API Ruling rule_on(const Response& response, bool asked_logprobs, const Secrets& secrets);

// For an answer that came with status 200 and made no sense: again.
Ruling unreadable(const std::string& why, const Secrets& secrets);

}  // namespace lmtx::http
