// Requests to one address, many at once, by libcurl. Internal.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lmtx/export.h"
#include "lmtx/teacher/http/time.h"

namespace lmtx::http {

struct TransportOptions {
  std::string url;
  // "Name: value" lines beside the content type.
  std::vector<std::string> headers = {};
  double connect_seconds = 10;
  // From the start of a request to its whole answer.
  double response_seconds = 120;
  // From the first byte of an answer to its last.
  double body_seconds = 30;
  size_t max_body_bytes = size_t{16} << 20;
  // Connections that are kept open while nobody uses them.
  int64_t max_idle = 64;
};

// Why there is no answer.
enum class Fault {
  none,
  // No connection came about.
  connect,
  timeout,
  // The connection ended before the answer did, or carried something else.
  broken,
  too_large,
  // The server's certificate is not to be trusted, or the address cannot be used at all: trying again is no use.
  unusable,
};

struct Response {
  int64_t request = 0;
  Fault fault = Fault::none;
  // What curl says of the fault.
  std::string message = {};
  // 0 without an answer.
  long status = 0;
  // Seconds that the server asks to wait.
  std::optional<double> retry_after = {};
  std::string body = {};
  TimePoint began = {};
  double seconds = 0;
};

// POSTs JSON. Connections are kept and used again; redirects are not followed; certificates are checked; proxies are those of curl's environment variables.
// Belongs to one thread but for wake().
class LMTX_API Transport {
 public:
  explicit Transport(TransportOptions options);
  // Requests in flight are given up.
  ~Transport();
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  void start(int64_t request, std::string body);
  int64_t in_flight() const;
  // The answers that are there, after at most so many seconds of waiting for one.
  std::vector<Response> wait(double seconds);
  // Ends a wait() that is going on, or the next one.
  void wake();
  // Gives up all requests in flight.
  void cancel();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lmtx::http
