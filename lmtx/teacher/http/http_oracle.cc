#include "lmtx/teacher/http_oracle.h"

#include <curl/curl.h>
#include <unistd.h>

#include <cmath>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "lmtx/detail/quote.h"
#include "lmtx/teacher/http/call.h"
#include "lmtx/teacher/http/shared.h"
#include "lmtx/teacher/http/transport.h"

namespace lmtx {

namespace {

using http::Transport;

struct FreeUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

bool has_part(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  const bool has = curl_url_get(url, part, &text, 0) == CURLUE_OK;
  curl_free(text);
  return has;
}

std::string part_of(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return "";
  std::string copy(text);
  curl_free(text);
  return copy;
}

// Without slashes at the end. An address that carries a user, or a query, may carry a key: it is not quoted.
std::string checked_url(std::string text) {
  const std::unique_ptr<CURLU, FreeUrl> url(curl_url());
  if (!url) throw std::bad_alloc();
  const CURLUcode code = curl_url_set(url.get(), CURLUPART_URL, text.c_str(), CURLU_NON_SUPPORT_SCHEME);
  if (code != CURLUE_OK)
    throw std::invalid_argument("`url` must be an address such as http://localhost:8000/v1, but is none: " + std::string(curl_url_strerror(code)) + ".");
  const std::string scheme = part_of(url.get(), CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https")
    throw std::invalid_argument("`url` must begin with http:// or https://, but begins with " + detail::quote(scheme) + " instead.");
  if (has_part(url.get(), CURLUPART_USER) || has_part(url.get(), CURLUPART_PASSWORD) || has_part(url.get(), CURLUPART_QUERY) ||
      has_part(url.get(), CURLUPART_FRAGMENT))
    throw std::invalid_argument("`url` must not have a user, a password, a query or a fragment: keys come from environment variables.");
  while (text.ends_with('/')) text.pop_back();
  return text;
}

std::string shown(double number) {
  std::ostringstream text;
  text << number;
  return text.str();
}

void check_at_least(const char* name, double value, double least) {
  if (std::isfinite(value) && value >= least) return;
  throw std::invalid_argument("`" + std::string(name) + "` must be at least " + shown(least) + ", but is " + shown(value) + " instead.");
}

void check_above_zero(const char* name, double value) {
  if (!std::isfinite(value) || value <= 0) throw std::invalid_argument("`" + std::string(name) + "` must be above 0, but is " + shown(value) + " instead.");
}

void check_concurrency(const HttpOptions& options) {
  const int64_t least = options.min_concurrency, start = options.starting_concurrency, most = options.max_concurrency;
  if (1 <= least && least <= start && start <= most && most <= 4096) return;
  throw std::invalid_argument("Concurrency must be 1 <= `min_concurrency` <= `starting_concurrency` <= `max_concurrency` <= 4096, but these are " +
                              std::to_string(least) + ", " + std::to_string(start) + " and " + std::to_string(most) + ".");
}

HttpOptions checked(HttpOptions options) {
  options.url = checked_url(std::move(options.url));
  check_concurrency(options);
  check_at_least("requests_per_minute", options.requests_per_minute, 0);
  check_at_least("tokens_per_minute", options.tokens_per_minute, 0);
  check_above_zero("connect_seconds", options.connect_seconds);
  check_above_zero("response_seconds", options.response_seconds);
  check_above_zero("body_seconds", options.body_seconds);
  check_at_least("attempts", static_cast<double>(options.attempts), 1);
  check_at_least("backoff_seconds", options.backoff_seconds, 0);
  check_at_least("max_backoff_seconds", options.max_backoff_seconds, 0);
  check_above_zero("give_up_seconds", options.give_up_seconds);
  check_at_least("stop_seconds", options.stop_seconds, 0);
  check_at_least("prompt_price", options.prompt_price, 0);
  check_at_least("completion_price", options.completion_price, 0);
  return options;
}

class CurlOracle final : public HttpOracle {
 public:
  CurlOracle(HttpOptions options, ChatProtocol protocol) : shared_(checked(std::move(options)), std::move(protocol)) {}
  ~CurlOracle() override { leave_to_parent(); }

  std::string identity() const override { return shared_.protocol.identity(); }
  const HttpOptions& options() const override { return shared_.options; }
  const ChatProtocol& protocol() const override { return shared_.protocol; }

  // Enough documents to fill all places, in two calls, so that neither the last requests of one nor the reading of documents leaves any empty. In one where
  // there is one place: two would take turns at it, and a server that remembers one prompt would begin each anew.
  TeacherTraits traits() const override {
    return {.questions_per_call = 8 * shared_.options.max_concurrency, .concurrent_calls = shared_.options.max_concurrency > 1 ? 2 : 1};
  }

  Usage estimate(const Question& question) const override {
    Usage usage = shared_.protocol.estimate(question);
    usage.cost = shared_.cost_of(usage);
    return usage;
  }

  HttpStats stats() const override {
    HttpStats stats = shared_.statistics.get();
    stats.most_in_flight = shared_.gate.most_in_flight();
    stats.concurrency = shared_.gate.limit();
    return stats;
  }

  void judge(std::span<const Question> questions, AnswerSink& answers) override {
    std::unique_ptr<Transport> transport = take_transport();
    http::Call(shared_, *transport, questions, answers).run();
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(transport));
  }

 private:
  // One whose connections are open already, if there is one. One whose call ended with an error is not used again.
  std::unique_ptr<Transport> take_transport() {
    leave_to_parent();
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return std::make_unique<Transport>(transport_options());
    std::unique_ptr<Transport> transport = std::move(idle_.back());
    idle_.pop_back();
    return transport;
  }

  http::TransportOptions transport_options() const {
    const HttpOptions& options = shared_.options;
    return {.url = options.url + std::string(shared_.protocol.endpoint()),
            .headers = shared_.secrets.headers(),
            .connect_seconds = options.connect_seconds,
            .response_seconds = options.response_seconds,
            .body_seconds = options.body_seconds,
            .max_idle = options.max_concurrency};
  }

  // After fork() open connections are the parent's: saying goodbye on them would end its requests.
  void leave_to_parent() {
    const std::lock_guard lock(mutex_);
    if (getpid() == process_) return;
    for (auto& transport : idle_) static_cast<void>(transport.release());
    idle_.clear();
    process_ = getpid();
  }

  http::Shared shared_;
  std::mutex mutex_;
  pid_t process_ = getpid();
  std::vector<std::unique_ptr<Transport>> idle_;
};

}  // namespace

std::shared_ptr<HttpOracle> HttpOracle::make(HttpOptions options, ChatProtocol protocol) {
  return std::make_shared<CurlOracle>(std::move(options), std::move(protocol));
}

}  // namespace lmtx
