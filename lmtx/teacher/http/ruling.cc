#include "lmtx/teacher/http/ruling.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <initializer_list>
#include <string_view>

#include "lmtx/detail/quote.h"

namespace lmtx::http {

namespace {

using Cause = Ruling::Cause;

constexpr size_t max_message_bytes = 300;
// What a server may ask for at once: it is asked again then, and may ask for more.
constexpr double max_wait_seconds = 600;

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  return text;
}

bool has_any(std::string_view text, std::initializer_list<std::string_view> parts) {
  return std::any_of(parts.begin(), parts.end(), [&](std::string_view part) { return text.find(part) != text.npos; });
}

// What an error's body says: OpenAI's and llama.cpp's {"error": {"message"}}, vLLM's {"message"}, FastAPI's {"detail"}, or the text itself.
std::string message_in(const std::string& body) {
  const auto json = nlohmann::json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return body;
  const auto error = json.find("error");
  if (error != json.end() && error->is_string()) return error->get<std::string>();
  const auto& holder = error != json.end() && error->is_object() ? *error : json;
  for (const char* key : {"message", "detail"}) {
    const auto found = holder.find(key);
    if (found != holder.end()) return found->is_string() ? found->get<std::string>() : found->dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }
  return body;
}

std::string describe(const Response& response, const Secrets& secrets) {
  const std::string message = detail::one_line(secrets.without(message_in(response.body)), max_message_bytes);
  return "status " + std::to_string(response.status) + (message.empty() ? "" : ": " + message);
}

Ruling rule_on_fault(const Response& response, const Secrets& secrets) {
  const std::string reason = detail::one_line(secrets.without(response.message), max_message_bytes);
  switch (response.fault) {
    case Fault::unusable:
      return {.step = Step::give_up, .reason = reason, .cause = Cause::connection};
    case Fault::too_large:
      return {.step = Step::refuse, .reason = "the answer is too large", .verdict = Verdict::fail("the answer is too large"), .cause = Cause::answer};
    case Fault::timeout:
      return {.step = Step::again, .reason = reason, .cause = Cause::timeout, .overload = true};
    case Fault::connect:
      return {.step = Step::again, .reason = reason, .cause = Cause::connection, .overload = true, .outage = true};
    default:
      return {.step = Step::again, .reason = reason, .cause = Cause::connection, .outage = true};
  }
}

bool passes(long status) { return status == 408 || status == 409 || status == 425 || status == 429 || (status >= 500 && status != 501 && status != 505); }

bool ends_all(const Response& response, std::string_view said) {
  switch (response.status) {
    case 401:
    case 402:
    case 403:
    case 404:
    case 405:
      return true;
    // OpenAI's word for an account without money, which no waiting fills.
    case 429:
      return has_any(said, {"insufficient_quota"});
    default:
      return response.status < 200 || (response.status >= 300 && response.status < 400);
  }
}

// Words of OpenAI, vLLM, llama.cpp, TGI and others.
bool is_too_long(long status, std::string_view said) {
  return status == 413 || has_any(said, {"context_length", "context length", "context size", "maximum context", "context window", "too many tokens",
                                         "prompt is too long", "exceed_context"});
}

bool is_filtered(std::string_view said) { return has_any(said, {"content_filter", "content_policy", "content management policy"}); }

Ruling refusal(const std::string& reason, Verdict verdict) {
  return {.step = Step::refuse, .reason = reason, .verdict = std::move(verdict), .cause = Cause::refusal};
}

}  // namespace

Ruling rule_on(const Response& response, bool asked_logprobs, const Secrets& secrets) {
  if (response.fault != Fault::none) return rule_on_fault(response, secrets);
  if (response.status == 200) return {};
  const std::string reason = describe(response, secrets), said = lower(response.body);
  if (ends_all(response, said)) return {.step = Step::give_up, .reason = reason, .cause = Cause::refusal};
  if (passes(response.status)) {
    const bool overload = response.status == 429 || response.status == 503;
    return {.step = Step::again,
            .reason = reason,
            .cause = overload ? Cause::overload : Cause::server,
            .overload = overload,
            .outage = overload || response.status > 500,
            .wait = response.retry_after ? std::optional(std::min(*response.retry_after, max_wait_seconds)) : std::nullopt};
  }
  if (asked_logprobs && has_any(said, {"logprob"})) return {.step = Step::without_logprobs, .reason = reason, .cause = Cause::refusal};
  if (is_too_long(response.status, said)) return refusal(reason, Verdict::miss());
  if (is_filtered(said)) return refusal(reason, Verdict::abstain());
  return refusal(reason, Verdict::fail(reason));
}

Ruling unreadable(const std::string& why, const Secrets& secrets) {
  return {.step = Step::again, .reason = detail::one_line(secrets.without(why), max_message_bytes), .cause = Cause::answer};
}

}  // namespace lmtx::http
