// Requests over real sockets, and what can go wrong with them.
#include <atomic>
#include <map>
#include <set>

#include "catch.h"
#include "lmtx/teacher/http/transport.h"
#include "teacher/fault_server.h"

namespace {

using namespace lmtx::http;
using lmtx::test::FaultServer;
using lmtx::test::Reply;
using lmtx::test::SeenRequest;

std::map<int64_t, Response> wait_for(Transport& transport, size_t count) {
  std::map<int64_t, Response> responses;
  while (responses.size() < count) {
    for (Response& response : transport.wait(1)) responses.insert_or_assign(response.request, std::move(response));
  }
  return responses;
}

Response get_one(const Reply& reply, TransportOptions options = {.url = ""}) {
  FaultServer server([&](const SeenRequest&) { return reply; });
  options.url = server.url() + "/x";
  Transport transport(options);
  transport.start(7, "{}");
  return wait_for(transport, 1).at(7);
}

}  // namespace

TEST_CASE("many requests share few connections, and each gets its own answer") {
  FaultServer server([](const SeenRequest& request) { return Reply{.body = "answer to " + request.body, .delay_seconds = 0.001}; });
  Transport transport({.url = server.url() + "/chat/completions", .headers = {"X-Test: yes"}});
  int64_t next = 0, done = 0;
  while (done < 500) {
    while (transport.in_flight() < 8 && next < 500) transport.start(next, "request " + std::to_string(next)), ++next;
    for (const Response& response : transport.wait(1)) {
      REQUIRE(response.fault == Fault::none);
      REQUIRE(response.status == 200);
      REQUIRE(response.body == "answer to request " + std::to_string(response.request));
      ++done;
    }
  }
  CHECK(server.num_requests() == 500);
  CHECK(server.num_connections() <= 8);
  CHECK(server.most_at_once() > 1);
}

TEST_CASE("a request is a POST of JSON with the headers that were given") {
  SeenRequest seen;
  FaultServer server([&](const SeenRequest& request) {
    seen = request;
    return Reply{.body = "{}"};
  });
  Transport transport({.url = server.url() + "/chat/completions", .headers = {"Authorization: Bearer key-1"}});
  transport.start(1, R"({"a": 1})");
  CHECK(wait_for(transport, 1).at(1).body == "{}");
  CHECK_THAT(seen.head, StartsWith("POST /v1/chat/completions HTTP/1.1\r\n"));
  CHECK_THAT(seen.head, ContainsSubstring("\r\nContent-Type: application/json"));
  CHECK_THAT(seen.head, ContainsSubstring("\r\nAuthorization: Bearer key-1"));
  CHECK_THAT(seen.head, !ContainsSubstring("Expect"));
  CHECK(seen.body == R"({"a": 1})");
}

TEST_CASE("faults of the network are told apart") {
  CHECK(get_one({.body = "0123456789", .way = Reply::Way::half}).fault == Fault::broken);
  CHECK(get_one({.body = "x", .way = Reply::Way::reset}).fault == Fault::broken);
  CHECK(get_one({.way = Reply::Way::silent}, {.url = "", .response_seconds = 0.1}).fault == Fault::timeout);
  CHECK(get_one({.body = std::string(100, 'x'), .way = Reply::Way::drip}, {.url = "", .body_seconds = 0.1}).fault == Fault::timeout);
  CHECK(get_one({.body = std::string(10'001, 'x')}, {.url = "", .max_body_bytes = 10'000}).fault == Fault::too_large);
  CHECK(get_one({.body = std::string(10'000, 'x')}, {.url = "", .max_body_bytes = 10'000}).fault == Fault::none);
}

TEST_CASE("a server that takes long before it answers is waited for, as long as it may take") {
  const Response response = get_one({.body = "slow", .delay_seconds = 0.3}, {.url = "", .response_seconds = 20, .body_seconds = 0.1});
  CHECK(response.body == "slow");
  CHECK(response.seconds >= 0.3);
}

TEST_CASE("nobody listening is a fault of the connection") {
  int port = 0;
  {
    port = FaultServer([](const SeenRequest&) { return Reply{}; }).port();
  }
  Transport transport({.url = "http://127.0.0.1:" + std::to_string(port) + "/v1"});
  transport.start(1, "{}");
  const Response response = wait_for(transport, 1).at(1);
  CHECK(response.fault == Fault::connect);
  CHECK_THAT(response.message, ContainsSubstring("127.0.0.1"));
}

TEST_CASE("redirects are not followed, and other protocols not spoken") {
  FaultServer other([](const SeenRequest&) { return Reply{.body = "stolen"}; });
  const Response response = get_one({.status = 307, .headers = {"Location: " + other.url()}});
  CHECK(response.status == 307);
  CHECK(other.num_requests() == 0);
  Transport transport({.url = "file:///etc/passwd"});
  transport.start(1, "{}");
  CHECK(wait_for(transport, 1).at(1).fault == Fault::unusable);
}

TEST_CASE("the status and the wait that the server asks for come along") {
  const Response response = get_one({.status = 429, .headers = {"RETRY-AFTER:  3 "}, .body = "busy"});
  CHECK(response.status == 429);
  CHECK(response.retry_after == 3);
  CHECK(response.body == "busy");
  CHECK(get_one({.status = 429, .headers = {"Retry-After: 3", "retry-after-ms: 250"}}).retry_after == 0.25);
  CHECK_FALSE(get_one({.status = 429, .headers = {"Retry-After: never"}}).retry_after);
}

TEST_CASE("what is given up does not come, and the transport goes on") {
  FaultServer server([](const SeenRequest& request) { return Reply{.body = "late", .way = request.body == "1" ? Reply::Way::silent : Reply::Way::whole}; });
  Transport transport({.url = server.url()});
  transport.start(1, "1");
  CHECK(transport.wait(0.05).empty());
  transport.cancel();
  CHECK(transport.in_flight() == 0);
  transport.start(2, "2");
  CHECK(wait_for(transport, 1).count(2) == 1);
}
