// The parts of the HTTP teacher that need no network, at times that the tests make up.
#include <cmath>
#include <cstdlib>
#include <set>

#include "catch.h"
#include "lmtx/detail/random.h"
#include "lmtx/teacher/http/adaptive_limit.h"
#include "lmtx/teacher/http/gate.h"
#include "lmtx/teacher/http/rate_limiter.h"
#include "lmtx/teacher/http/request_lanes.h"
#include "lmtx/teacher/http/retry_policy.h"
#include "lmtx/teacher/http/ruling.h"
#include "lmtx/teacher/http/secrets.h"

namespace {

using namespace lmtx;
using namespace lmtx::http;

const TimePoint start = now();
TimePoint moment(double seconds) { return after(start, seconds); }

// An environment variable that is gone at the end.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
  ~Variable() { unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
};

const Secrets no_secrets("", {});

Ruling rule_on_status(long status, const std::string& body = "", bool logprobs = true) {
  return rule_on({.status = status, .body = body}, logprobs, no_secrets);
}

}  // namespace

TEST_CASE("a rate limiter lets no more requests and tokens through than a minute may have") {
  RateLimiter limiter(600, 60'000);
  TimePoint time = moment(0);
  detail::KeyedRandom random(1);
  double requests = 0, tokens = 0;
  for (int i = 0; i < 5000; ++i) {
    const int64_t amount = 1 + random.below(200);
    const TimePoint earliest = limiter.earliest(amount, time);
    REQUIRE(earliest >= time);
    time = earliest;
    REQUIRE(limiter.earliest(amount, time) == time);
    limiter.draw(amount, time);
    requests += 1;
    tokens += static_cast<double>(amount);
    // What two seconds bring in was there at first; one draw may go below.
    REQUIRE(requests <= 600 * seconds_between(moment(0), time) / 60 + 21);
    REQUIRE(tokens <= 60'000 * seconds_between(moment(0), time) / 60 + 2000 + 200);
  }
  // And hardly fewer: tokens are what is short here.
  CHECK(tokens >= 0.99 * 60'000 * seconds_between(moment(0), time) / 60);
}

TEST_CASE("what a request took beyond its estimate is waited for, and what it left is given back") {
  RateLimiter limiter(0, 6000);  // 100 a second, 200 in the bucket
  limiter.draw(100, moment(0));
  CHECK(limiter.earliest(100, moment(0)) == moment(0));
  limiter.correct(100, 300, moment(0));
  CHECK(seconds_between(moment(0), limiter.earliest(100, moment(0))) == Approx(2));
  limiter.correct(300, 100, moment(0));
  CHECK(limiter.earliest(100, moment(0)) == moment(0));
  // A request that is larger than the bucket goes when that is full, and is paid for afterwards.
  CHECK(seconds_between(moment(0), limiter.earliest(1000, moment(0))) == Approx(1));
  limiter.draw(1000, moment(1));
  CHECK(seconds_between(moment(1), limiter.earliest(1, moment(1))) == Approx(8.01));
}

TEST_CASE("without limits nothing waits") {
  RateLimiter limiter(0, 0);
  for (int i = 0; i < 1000; ++i) {
    REQUIRE(limiter.earliest(1'000'000, moment(0)) == moment(0));
    limiter.draw(1'000'000, moment(0));
  }
}

TEST_CASE("the limit of requests in flight doubles a round trip until the first overload, then grows by one") {
  AdaptiveLimit limit(1, 4, 64);
  const auto round_trip = [&] {
    for (int64_t i = limit.limit(); i > 0; --i) limit.on_answer(limit.limit());
  };
  for (const int64_t expected : {8, 16, 32, 64, 64}) {
    round_trip();
    CHECK(limit.limit() == expected);
  }
  limit.on_overload(moment(0), moment(1));
  CHECK(limit.limit() == 32);
  for (int i = 0; i < 33; ++i) limit.on_answer(limit.limit());  // A little more than a round trip.
  CHECK(limit.limit() == 33);
}

TEST_CASE("the limit of requests in flight halves once a round trip, down to the least") {
  AdaptiveLimit limit(3, 40, 64);
  limit.on_overload(moment(0), moment(1));
  for (int i = 0; i < 10; ++i) limit.on_overload(moment(0.5), moment(1.1));
  CHECK(limit.limit() == 20);
  limit.on_overload(moment(1.2), moment(2));
  CHECK(limit.limit() == 10);
  for (int i = 3; i < 10; ++i) limit.on_overload(moment(i), moment(i + 0.5));
  CHECK(limit.limit() == 3);
}

TEST_CASE("a limit that is not used does not grow") {
  AdaptiveLimit limit(1, 8, 64);
  for (int i = 0; i < 100; ++i) limit.on_answer(3);
  CHECK(limit.limit() == 8);
}

TEST_CASE("back-off is full jitter over doubling times, the same for the same request") {
  const RetryPolicy policy{.backoff_seconds = 0.5, .max_backoff_seconds = 20, .seed = 7};
  for (int64_t failures = 1; failures <= 10; ++failures) {
    const double most = std::min(20.0, 0.5 * std::pow(2, failures - 1));
    double sum = 0, largest = 0;
    for (int64_t request = 0; request < 2000; ++request) {
      const double delay = policy.delay(request, failures);
      REQUIRE(delay >= 0);
      REQUIRE(delay < most);
      REQUIRE(delay == policy.delay(request, failures));
      sum += delay;
      largest = std::max(largest, delay);
    }
    CHECK(sum / 2000 == Approx(most / 2).epsilon(0.05));
    CHECK(largest > 0.99 * most);
  }
  CHECK(policy.delay(1, 1000) < 20);
  CHECK(policy.delay(1, 1) != RetryPolicy{.backoff_seconds = 0.5, .max_backoff_seconds = 20, .seed = 8}.delay(1, 1));
}

TEST_CASE("Retry-After is a number of seconds or a date") {
  constexpr std::time_t noon = 1'700'000'000;  // 2023-11-14 22:13:20 UTC
  CHECK(parse_retry_after("17", noon) == 17);
  CHECK(parse_retry_after("0.25", noon) == 0.25);
  CHECK(parse_retry_after("Tue, 14 Nov 2023 22:14:20 GMT", noon) == 60);
  CHECK(parse_retry_after("Tue, 14 Nov 2023 22:00:00 GMT", noon) == 0);
  for (const char* nonsense : {"", "soon", "-3", "inf", "nan", "1e400", "12 seconds"}) CHECK_FALSE(parse_retry_after(nonsense, noon));
  CHECK(parse_retry_after_ms("1500") == 1.5);
  CHECK_FALSE(parse_retry_after_ms("x"));
}

TEST_CASE("keys come from the environment, go into headers, and are taken out of what is said") {
  const Variable key("LMTX_TEST_KEY", "  sk-abcdef0123456789\n"), longer("LMTX_TEST_LONGER", "sk-abcdef0123456789-longer");
  const Secrets secrets("LMTX_TEST_KEY", {{"api-key", "LMTX_TEST_LONGER"}});
  CHECK(secrets.headers() == std::vector<std::string>{"Authorization: Bearer sk-abcdef0123456789", "api-key: sk-abcdef0123456789-longer"});
  CHECK(secrets.without("Wrong key sk-abcdef0123456789-longer, sk-abcdef0123456789!") == "Wrong key ***, ***!");
  CHECK(secrets.without("Nothing") == "Nothing");
}

TEST_CASE("a key that is not there or cannot be sent is refused by its variable, not its value") {
  const Variable empty("LMTX_TEST_EMPTY", " \n"), broken("LMTX_TEST_BROKEN", "sk-secret\r\nHost: evil");
  CHECK_THROWS_WITH(Secrets("LMTX_TEST_UNSET", {}),
                    "The environment variable `LMTX_TEST_UNSET`, which has the value of the header `Authorization`, is not set.");
  CHECK_THROWS_WITH(Secrets("LMTX_TEST_EMPTY", {}), ContainsSubstring("is empty."));
  CHECK_THROWS_WITH(
      Secrets("", {{"api-key", "LMTX_TEST_BROKEN"}}),
      "The environment variable `LMTX_TEST_BROKEN`, which has the value of the header `api-key`, holds control characters, which a header cannot have.");
  CHECK_THROWS_WITH(Secrets("", {{"api key:", "LMTX_TEST_EMPTY"}}), "`api key:` is no name of a header.");
}

TEST_CASE("what may pass is asked again, what cannot is not") {
  for (const long status : {408, 409, 425, 429, 500, 502, 503, 504, 520, 529}) CHECK(rule_on_status(status).step == Step::again);
  for (const long status : {301, 302, 307, 401, 402, 403, 404, 405}) CHECK(rule_on_status(status).step == Step::give_up);
  for (const long status : {400, 413, 414, 422, 501, 505}) CHECK(rule_on_status(status).step == Step::refuse);
  for (const Fault fault : {Fault::connect, Fault::timeout, Fault::broken}) CHECK(rule_on({.fault = fault}, true, no_secrets).step == Step::again);
  CHECK(rule_on({.fault = Fault::unusable}, true, no_secrets).step == Step::give_up);
  CHECK(rule_on({.fault = Fault::too_large}, true, no_secrets).verdict.kind() == Verdict::Kind::failed);
  CHECK(rule_on_status(200, "whatever").step == Step::read);
}

TEST_CASE("429, 503, time-outs and closed doors ask for fewer requests at once, and Retry-After is heard") {
  for (const long status : {429, 503}) CHECK(rule_on_status(status).overload);
  for (const long status : {500, 502, 408}) CHECK_FALSE(rule_on_status(status).overload);
  CHECK(rule_on({.fault = Fault::timeout}, true, no_secrets).overload);
  CHECK(rule_on({.fault = Fault::connect}, true, no_secrets).overload);
  CHECK_FALSE(rule_on({.fault = Fault::broken}, true, no_secrets).overload);
  for (const long status : {429, 502, 503, 504, 529}) CHECK(rule_on_status(status).outage);
  for (const long status : {408, 409, 500}) CHECK_FALSE(rule_on_status(status).outage);
  CHECK(rule_on({.status = 429, .retry_after = 7}, true, no_secrets).wait == 7);
  CHECK(rule_on({.status = 429, .retry_after = 86'400}, true, no_secrets).wait == 600);
}

TEST_CASE("an account without money ends the run, though its status is 429") {
  CHECK(rule_on_status(429, R"({"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}})").step == Step::give_up);
}

TEST_CASE("a server that refuses log-probabilities is asked without them, once") {
  const std::string body = R"({"error": {"message": "This model does not support logprobs.", "type": "invalid_request_error"}})";
  CHECK(rule_on_status(400, body).step == Step::without_logprobs);
  CHECK(rule_on_status(400, body, /*logprobs=*/false).step == Step::refuse);
}

TEST_CASE("a document too long for this server is missing, a filtered one abstained, other refusals fail") {
  for (const char* message :
       {"This model's maximum context length is 4096 tokens", "the request exceeds the available context size, try increasing it", "prompt is too long"}) {
    CHECK(rule_on_status(400, std::string(R"({"error": {"message": ")") + message + "\"}}").verdict.kind() == Verdict::Kind::missing);
  }
  CHECK(rule_on_status(413).verdict.kind() == Verdict::Kind::missing);
  CHECK(rule_on_status(400, R"({"error": {"code": "content_filter", "message": "filtered"}})").verdict.kind() == Verdict::Kind::abstained);
  const Ruling other = rule_on_status(422, R"({"detail": [{"loc": ["body", "model"], "msg": "field required"}]})");
  CHECK(other.verdict.reason() == R"(status 422: [{"loc":["body","model"],"msg":"field required"}])");
}

TEST_CASE("the reason is what the server said, on one line, without keys") {
  const Variable key("LMTX_TEST_KEY", "sk-abcdef0123456789");
  const Secrets secrets("LMTX_TEST_KEY", {});
  const auto reason = [&](const std::string& body) { return rule_on({.status = 401, .body = body}, true, secrets).reason; };
  CHECK(reason(R"({"error": {"message": "Incorrect API key: sk-abcdef0123456789.\nBye"}})") == "status 401: Incorrect API key: ***.?Bye");
  CHECK(reason(R"({"error": "no key"})") == "status 401: no key");
  CHECK(reason(R"({"object": "error", "message": "vLLM says no"})") == "status 401: vLLM says no");
  CHECK(reason("<html>Unauthorized</html>") == "status 401: <html>Unauthorized</html>");
  CHECK(reason("") == "status 401");
  CHECK(reason(std::string(100'000, 'x')).size() < 400);
}

TEST_CASE("a gate holds requests while the server wants a pause, and while all places are taken") {
  Gate gate({.url = "http://x", .max_concurrency = 2, .starting_concurrency = 2});
  CHECK_FALSE(gate.enter(0, moment(0)));
  CHECK_FALSE(gate.enter(0, moment(0)));
  CHECK(gate.enter(0, moment(0)) > moment(0));
  gate.leave_failed({.step = Step::again, .reason = "429", .cause = Ruling::Cause::overload, .overload = true, .wait = 5}, moment(0), moment(1));
  CHECK(gate.limit() == 1);
  CHECK(gate.enter(0, moment(1)) == moment(6));
  gate.leave_responded();
  CHECK_FALSE(gate.enter(0, moment(6)));
  CHECK(gate.most_in_flight() == 2);
}

TEST_CASE("a server is gone when nothing but failures came for long, and only then") {
  Gate gate({.url = "http://x", .starting_concurrency = 64, .min_concurrency = 64, .give_up_seconds = 60});
  const auto fail = [&](double time) {
    CHECK_FALSE(gate.enter(0, moment(time)));
    gate.leave_failed({.step = Step::again, .reason = "connection refused", .cause = Ruling::Cause::connection}, moment(time), moment(time));
  };
  const auto answer = [&](double time) {
    CHECK_FALSE(gate.enter(0, moment(time)));
    gate.leave_responded();
    gate.answered(moment(time));
  };
  for (int second = 0; second < 60; ++second) fail(second);
  CHECK(gate.gone(moment(59)).empty());
  answer(59);
  for (int second = 60; second < 119; ++second) fail(second);
  CHECK(gate.gone(moment(119)).empty());
  fail(121);
  CHECK(gate.gone(moment(121)) == "has answered nothing for 61 seconds: 60 requests in a row failed, the last one with: connection refused");
}

TEST_CASE("what fails in an outage is not the request's fault, unless others are answered") {
  Gate gate({.url = "http://x"});
  const Ruling outage{.step = Step::again, .cause = Ruling::Cause::connection, .outage = true}, own{.step = Step::again, .cause = Ruling::Cause::answer};
  CHECK_FALSE(gate.counts(own, moment(0)));
  CHECK_FALSE(gate.enter(0, moment(1)));
  gate.leave_responded();
  gate.answered(moment(1));
  CHECK(gate.counts(own, moment(2)));
  CHECK(gate.counts(outage, moment(0)));
  CHECK_FALSE(gate.counts(outage, moment(2)));
}

TEST_CASE("a server that refuses everything from the start is given up") {
  Gate gate({.url = "http://x"});
  for (int i = 0; i < 20; ++i) {
    CHECK(gate.gone(moment(0)).empty());
    CHECK_FALSE(gate.enter(0, moment(0)));
    gate.leave_failed({.step = Step::refuse, .reason = "status 400: no such parameter", .cause = Ruling::Cause::refusal}, moment(0), moment(0));
  }
  CHECK_THAT(gate.gone(moment(0)), StartsWith("refuses whatever it is asked: the first 20 requests were refused"));
}

namespace {

// Questions with three requests each, and which request is which.
RequestLanes::Make three_each() {
  return [number = int64_t{0}](size_t question) mutable {
    std::vector<Job> jobs(3);
    for (size_t i = 0; i < 3; ++i) {
      jobs[i].number = ++number;
      jobs[i].question = question;
      jobs[i].request.labels = {i};
    }
    return jobs;
  };
}

using Name = std::pair<size_t, size_t>;
Name name(const Job& job) { return {job.question, job.request.labels[0]}; }

std::vector<Job> take_all(RequestLanes& lanes, size_t most, TimePoint time = moment(0)) {
  std::vector<Job> jobs;
  while (jobs.size() < most && lanes.next(time)) jobs.push_back(lanes.take());
  return jobs;
}

std::vector<Name> names(const std::vector<Job>& jobs) {
  std::vector<Name> list;
  for (const Job& job : jobs) list.push_back(name(job));
  return list;
}

void answer(RequestLanes& lanes, const Job& job) {
  lanes.come_back(job, /*answered=*/true);
  lanes.finish(job);
}

}  // namespace

TEST_CASE("documents are asked about side by side, each with one request in flight, the first alone") {
  RequestLanes lanes(3, 64, /*warm_prefix=*/true, three_each());
  const std::vector<Job> first = take_all(lanes, 2);
  CHECK(names(first) == std::vector<Name>{{0, 0}, {1, 0}});
  answer(lanes, first[1]);
  // Its own document goes on before a new one begins.
  const std::vector<Job> second = take_all(lanes, 2);
  CHECK(names(second) == std::vector<Name>{{1, 1}, {2, 0}});
  // Nothing more of a document whose first request is on its way, but of one that is warm where there is room.
  CHECK(names(take_all(lanes, 9)) == std::vector<Name>{{1, 2}});
  answer(lanes, first[0]);
  CHECK(names(take_all(lanes, 9)) == std::vector<Name>{{0, 1}, {0, 2}});
  CHECK_FALSE(lanes.done());
}

TEST_CASE("without a warm prefix requests go in plain order") {
  RequestLanes lanes(2, 64, /*warm_prefix=*/false, three_each());
  CHECK(names(take_all(lanes, 9)) == std::vector<Name>{{0, 0}, {0, 1}, {0, 2}, {1, 0}, {1, 1}, {1, 2}});
}

TEST_CASE("a request goes again when its time has come, before others") {
  RequestLanes lanes(2, 64, /*warm_prefix=*/true, three_each());
  std::vector<Job> first = take_all(lanes, 1);
  lanes.come_back(first[0], /*answered=*/false);
  lanes.again(first[0], moment(5));
  CHECK(lanes.next_due() == moment(5));
  // The document is not warm: its other requests wait.
  CHECK(names(take_all(lanes, 9, moment(4))) == std::vector<Name>{{1, 0}});
  CHECK(names(take_all(lanes, 9, moment(5))) == std::vector<Name>{{0, 0}});
  CHECK_FALSE(lanes.next_due());
}

TEST_CASE("a document whose first request fails for good goes on") {
  RequestLanes lanes(1, 64, /*warm_prefix=*/true, three_each());
  const Job first = take_all(lanes, 9)[0];
  lanes.come_back(first, /*answered=*/false);
  CHECK(take_all(lanes, 9).empty());
  lanes.finish(first);
  CHECK(names(take_all(lanes, 9)) == std::vector<Name>{{0, 1}, {0, 2}});
}

TEST_CASE("every request is given out once, whatever comes back in what order") {
  detail::KeyedRandom random(3);
  for (const bool warm_prefix : {true, false}) {
    RequestLanes lanes(40, 8, warm_prefix, three_each());
    std::vector<Job> in_flight;
    std::set<Name> answered;
    double time = 0;
    while (!lanes.done()) {
      time += 0.1;
      for (Job& job : take_all(lanes, static_cast<size_t>(random.below(4)), moment(time))) in_flight.push_back(std::move(job));
      if (in_flight.empty()) continue;
      std::swap(in_flight[static_cast<size_t>(random.below(static_cast<int64_t>(in_flight.size())))], in_flight.back());
      const Job job = in_flight.back();
      in_flight.pop_back();
      if (random.below(3) == 0) {
        lanes.come_back(job, /*answered=*/false);
        lanes.again(job, moment(time + random.uniform()));
      } else {
        REQUIRE(answered.insert(name(job)).second);
        answer(lanes, job);
      }
    }
    CHECK(in_flight.empty());
    CHECK(answered.size() == 120);
  }
}
