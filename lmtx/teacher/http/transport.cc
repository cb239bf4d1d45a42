#include "lmtx/teacher/http/transport.h"

#include <curl/curl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <ctime>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "lmtx/teacher/http/retry_policy.h"

namespace lmtx::http {

namespace {

void check(CURLcode code) {
  if (code != CURLE_OK) throw std::runtime_error(std::string("curl: ") + curl_easy_strerror(code));
}

void check(CURLMcode code) {
  if (code != CURLM_OK) throw std::runtime_error(std::string("curl: ") + curl_multi_strerror(code));
}

void start_curl() {
  static std::once_flag once;
  std::call_once(once, [] { check(curl_global_init(CURL_GLOBAL_DEFAULT)); });
}

struct FreeHandle {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

using Headers = std::unique_ptr<curl_slist, FreeList>;

void append(Headers& headers, const std::string& line) {
  curl_slist* longer = curl_slist_append(headers.get(), line.c_str());
  if (!longer) throw std::bad_alloc();
  static_cast<void>(headers.release());
  headers.reset(longer);
}

Fault fault_of(CURLcode code) {
  switch (code) {
    case CURLE_OK:
      return Fault::none;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
      return Fault::connect;
    case CURLE_OPERATION_TIMEDOUT:
      return Fault::timeout;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
      return Fault::unusable;
    default:
      return Fault::broken;
  }
}

// One request on its way, and the handle that carries it; used again for the next.
struct Exchange {
  std::unique_ptr<CURL, FreeHandle> handle;
  size_t max_body_bytes = 0;
  std::string request_body;
  Response response;
  std::optional<TimePoint> first_byte;
  bool too_large = false;
  char error[CURL_ERROR_SIZE] = "";
};

size_t take_body(char* bytes, size_t, size_t size, void* target) {
  auto& exchange = *static_cast<Exchange*>(target);
  exchange.too_large = size > exchange.max_body_bytes - exchange.response.body.size();
  if (exchange.too_large) return CURL_WRITEFUNC_ERROR;
  exchange.response.body.append(bytes, size);
  return size;
}

// The value of a header line with this name, in lower case.
std::optional<std::string> header_value(std::string_view line, std::string_view name) {
  if (line.size() <= name.size() || line[name.size()] != ':') return std::nullopt;
  for (size_t i = 0; i < name.size(); ++i) {
    if ((line[i] >= 'A' && line[i] <= 'Z' ? line[i] + ('a' - 'A') : line[i]) != name[i]) return std::nullopt;
  }
  line.remove_prefix(name.size() + 1);
  const size_t first = line.find_first_not_of(" \t\r\n");
  if (first == line.npos) return std::string();
  return std::string(line.substr(first, line.find_last_not_of(" \t\r\n") - first + 1));
}

size_t take_header(char* bytes, size_t, size_t size, void* target) {
  auto& exchange = *static_cast<Exchange*>(target);
  if (!exchange.first_byte) exchange.first_byte = now();
  const std::string_view line(bytes, size);
  if (const auto value = header_value(line, "retry-after")) {
    if (!exchange.response.retry_after) exchange.response.retry_after = parse_retry_after(*value, std::time(nullptr));
  } else if (const auto exact = header_value(line, "retry-after-ms")) {
    if (const auto seconds = parse_retry_after_ms(*exact)) exchange.response.retry_after = seconds;
  }
  return size;
}

long milliseconds(double seconds) { return std::max(1L, std::lround(seconds * 1000)); }

}  // namespace

struct Transport::Impl {
  explicit Impl(TransportOptions given) : options(std::move(given)), multi((start_curl(), curl_multi_init())) {
    if (!multi) throw std::bad_alloc();
    // By itself curl keeps four times as many as it uses, and at the end of a call that is none.
    check(curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, static_cast<long>(options.max_idle)));
    append(headers, "Content-Type: application/json");
    append(headers, "Expect:");  // No wait for "100 Continue".
    for (const std::string& line : options.headers) append(headers, line);
  }
  ~Impl() {
    for (const auto& exchange : active) curl_multi_remove_handle(multi, exchange->handle.get());
    curl_multi_cleanup(multi);
  }

  std::unique_ptr<Exchange> make_exchange() {
    auto exchange = std::make_unique<Exchange>();
    exchange->handle.reset(curl_easy_init());
    if (!exchange->handle) throw std::bad_alloc();
    exchange->max_body_bytes = options.max_body_bytes;
    CURL* handle = exchange->handle.get();
    const auto set = [handle](CURLoption option, auto value) { check(curl_easy_setopt(handle, option, value)); };
    set(CURLOPT_URL, options.url.c_str());
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_HTTPHEADER, headers.get());
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_TCP_KEEPALIVE, 1L);
    set(CURLOPT_CONNECTTIMEOUT_MS, milliseconds(options.connect_seconds));
    set(CURLOPT_TIMEOUT_MS, milliseconds(options.response_seconds));
    set(CURLOPT_WRITEFUNCTION, take_body);
    set(CURLOPT_WRITEDATA, static_cast<void*>(exchange.get()));
    set(CURLOPT_HEADERFUNCTION, take_header);
    set(CURLOPT_HEADERDATA, static_cast<void*>(exchange.get()));
    set(CURLOPT_ERRORBUFFER, static_cast<char*>(exchange->error));
    set(CURLOPT_PRIVATE, static_cast<void*>(exchange.get()));
    set(CURLOPT_POST, 1L);
    return exchange;
  }

  std::unique_ptr<Exchange> take_exchange() {
    if (idle.empty()) return make_exchange();
    std::unique_ptr<Exchange> exchange = std::move(idle.back());
    idle.pop_back();
    return exchange;
  }

  void start(int64_t request, std::string body) {
    std::unique_ptr<Exchange> exchange = take_exchange();
    exchange->request_body = std::move(body);
    exchange->response = {.request = request, .began = now()};
    exchange->first_byte.reset();
    exchange->too_large = false;
    exchange->error[0] = 0;
    CURL* handle = exchange->handle.get();
    check(curl_easy_setopt(handle, CURLOPT_POSTFIELDS, exchange->request_body.data()));
    check(curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(exchange->request_body.size())));
    check(curl_multi_add_handle(multi, handle));
    active.push_back(std::move(exchange));
  }

  // Takes an exchange off; the handle waits for its next request.
  Response finish(CURL* handle, CURLcode code) {
    const auto at = std::find_if(active.begin(), active.end(), [&](const auto& exchange) { return exchange->handle.get() == handle; });
    std::unique_ptr<Exchange> exchange = std::move(*at);
    std::swap(*at, active.back());
    active.pop_back();
    Response response = std::move(exchange->response);
    response.fault = exchange->too_large ? Fault::too_large : fault_of(code);
    response.seconds = seconds_between(response.began, now());
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &response.status);
    if (response.fault != Fault::none) {
      response.message = exchange->error[0] ? exchange->error : curl_easy_strerror(code);
      response.body.clear();
    }
    curl_multi_remove_handle(multi, handle);
    exchange->request_body = {};
    idle.push_back(std::move(exchange));
    return response;
  }

  std::vector<Response> perform() {
    int running = 0, queued = 0;
    check(curl_multi_perform(multi, &running));
    std::vector<Response> responses;
    while (const CURLMsg* message = curl_multi_info_read(multi, &queued)) {
      if (message->msg == CURLMSG_DONE) responses.push_back(finish(message->easy_handle, message->data.result));
    }
    give_up_dripping(responses);
    return responses;
  }

  // When the first of the answers that have begun has to be there; none where none has.
  std::optional<TimePoint> drip_deadline() const {
    std::optional<TimePoint> first;
    for (const auto& exchange : active) {
      if (exchange->first_byte && (!first || *exchange->first_byte < *first)) first = exchange->first_byte;
    }
    return first ? std::optional(after(*first, options.body_seconds)) : std::nullopt;
  }

  void give_up_dripping(std::vector<Response>& responses) {
    const auto deadline = drip_deadline();
    if (!deadline || *deadline > now()) return;
    const TimePoint latest = now() - std::chrono::duration_cast<TimePoint::duration>(Seconds(options.body_seconds));
    std::vector<CURL*> late;
    for (const auto& exchange : active) {
      if (exchange->first_byte && *exchange->first_byte <= latest) late.push_back(exchange->handle.get());
    }
    for (CURL* handle : late) {
      responses.push_back(finish(handle, CURLE_OPERATION_TIMEDOUT));
      responses.back().message = "the answer began, but did not end in time";
    }
  }

  std::vector<Response> wait(double seconds) {
    std::vector<Response> responses = perform();
    if (!responses.empty()) return responses;
    if (const auto deadline = drip_deadline()) seconds = std::min(seconds, seconds_between(now(), *deadline));
    if (seconds > 0) check(curl_multi_poll(multi, nullptr, 0, static_cast<int>(std::min(std::ceil(seconds * 1000), 3.6e6)), nullptr));
    return perform();
  }

  const TransportOptions options;
  Headers headers;
  CURLM* multi;
  std::vector<std::unique_ptr<Exchange>> active, idle;
};

Transport::Transport(TransportOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Transport::~Transport() = default;

void Transport::start(int64_t request, std::string body) { impl_->start(request, std::move(body)); }
int64_t Transport::in_flight() const { return static_cast<int64_t>(impl_->active.size()); }
std::vector<Response> Transport::wait(double seconds) { return impl_->wait(seconds); }
void Transport::wake() { curl_multi_wakeup(impl_->multi); }

void Transport::cancel() {
  while (!impl_->active.empty()) impl_->finish(impl_->active.back()->handle.get(), CURLE_ABORTED_BY_CALLBACK);
}

}  // namespace lmtx::http
