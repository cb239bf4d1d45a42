// The HTTP teacher against a server that does wrong what servers do wrong.
#include "lmtx/teacher/http_oracle.h"

#include <nlohmann/json.hpp>

#include <cstdlib>
#include <map>
#include <mutex>
#include <set>

#include "catch.h"
#include "lmtx/detail/random.h"
#include "lmtx/teacher/judgment_store.h"
#include "teacher/fault_server.h"
#include "teacher/http_pairs.h"
#include "temporary_folder.h"

namespace {

using namespace lmtx;
using namespace lmtx::test;

// Keeps what it is given, and says of a pair whether it was.
class PairSink final : public AnswerSink {
 public:
  void put(const Question& question, std::span<const Verdict> verdicts, const Usage& usage, std::string_view raw) override {
    check_verdicts(question, verdicts);
    const std::lock_guard lock(mutex_);
    for (size_t i = 0; i < verdicts.size(); ++i) {
      const Pair pair{numbers_after(std::string(question.uid), "doc")[0], numbers_after(std::string(question.labels[i].uid), "label")[0]};
      twice_ += !verdicts_.emplace(pair, verdicts[i]).second;
    }
    usage_.prompt_tokens += usage.prompt_tokens;
    usage_.cost += usage.cost;
    raws_.emplace_back(raw);
    if (verdicts_.size() >= stop_after) stop_.request_stop();
    if (verdicts_.size() >= throw_after) throw std::runtime_error("the disk is full");
  }
  std::stop_token stop() const override { return stop_.get_token(); }

  bool has(const Pair& pair) const {
    const std::lock_guard lock(mutex_);
    return verdicts_.contains(pair);
  }

  size_t stop_after = SIZE_MAX, throw_after = SIZE_MAX;
  std::map<Pair, Verdict> verdicts_;
  Usage usage_;
  std::vector<std::string> raws_;
  int twice_ = 0;

 private:
  mutable std::mutex mutex_;
  std::stop_source stop_;
};

// Fast enough for tests.
HttpOptions options_for(const FaultServer& server) { return {.url = server.url(), .backoff_seconds = 0.002, .max_backoff_seconds = 0.01}; }

Reply answer_to(const SeenRequest& request) { return {.body = chat_answer(score_of_pair(pairs_in(request.body).at(0)))}; }

std::string error_body(const std::string& message) { return nlohmann::json{{"error", {{"message", message}}}}.dump(); }

// How many have the verdict that the server gave.
int64_t count_right(const PairSink& sink) {
  return std::count_if(sink.verdicts_.begin(), sink.verdicts_.end(),
                       [](const auto& entry) { return entry.second.scored() && std::abs(entry.second.score() - score_of_pair(entry.first)) < 1e-9; });
}

std::string judge_error(HttpOracle& oracle, const Pairs& pairs, PairSink& sink) {
  try {
    oracle.judge(pairs.questions(), sink);
  } catch (const TeacherError& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("every pair is asked once and judged with the probability that the server gives") {
  FaultServer server(answer_to);
  const Pairs pairs(30, 7);
  PairSink sink;
  const auto oracle = HttpOracle::make(options_for(server), pair_protocol());
  oracle->judge(pairs.questions(), sink);
  CHECK(count_right(sink) == pairs.size());
  CHECK(sink.twice_ == 0);
  CHECK(server.num_requests() == pairs.size());
  CHECK(server.num_connections() <= 64);
  const HttpStats stats = oracle->stats();
  CHECK(stats.requests == pairs.size());
  CHECK(stats.answers == pairs.size());
  CHECK(stats.prompt_tokens == 100 * pairs.size());
  CHECK(sink.usage_.prompt_tokens == stats.prompt_tokens);
  CHECK(stats.notes.empty());
}

TEST_CASE("connections are used again by the next call") {
  FaultServer server([](const SeenRequest& request) {
    Reply reply = answer_to(request);
    reply.delay_seconds = 0.001;
    return reply;
  });
  const Pairs pairs(20, 4);
  HttpOptions options = options_for(server);
  options.max_concurrency = options.starting_concurrency = 16;
  const auto oracle = HttpOracle::make(options, pair_protocol());
  for (int i = 0; i < 5; ++i) {
    PairSink sink;
    oracle->judge(pairs.questions(), sink);
    CHECK(count_right(sink) == pairs.size());
  }
  CHECK(server.num_connections() <= 16);
}

TEST_CASE("30 % random failures at concurrency 64: every pair judged exactly once, with the least possible requests") {
  const uint64_t seed = static_cast<uint64_t>(GENERATE(1, 2, 3));
  const Pairs pairs(100, 20);
  PairSink sink;
  std::mutex mutex;
  std::map<Pair, int> good_replies;
  int64_t injected = 0, asked_after_answer = 0;
  FaultServer server([&](const SeenRequest& request) -> Reply {
    const Pair pair = pairs_in(request.body).at(0);
    const Reply good = answer_to(request);
    const int64_t draw = detail::KeyedRandom(detail::random_key(seed, "fault", {request.number})).below(100);
    const std::lock_guard lock(mutex);
    asked_after_answer += good_replies[pair] > 0 || sink.has(pair);
    injected += draw < 30;
    if (draw < 5) return {.status = 429, .headers = {"Retry-After: 0"}, .body = error_body("slow down")};
    if (draw < 10) return {.status = 500, .body = "<html>Internal Server Error</html>"};
    if (draw < 14) return {.body = good.body, .way = Reply::Way::reset};
    if (draw < 18) return {.body = good.body, .way = Reply::Way::half};
    if (draw < 19) return {.body = good.body, .way = Reply::Way::silent};
    if (draw < 20) return {.body = good.body, .way = Reply::Way::drip};
    if (draw < 25) return {.body = good.body.substr(0, good.body.size() / 2)};
    if (draw < 28) return {.body = R"({"choices": "none"})"};
    if (draw < 30) return {.status = 503, .body = error_body("loading model")};
    ++good_replies[pair];
    return good;
  });
  HttpOptions options = options_for(server);
  options.min_concurrency = options.starting_concurrency = options.max_concurrency = 64;
  options.attempts = 30;
  options.response_seconds = options.body_seconds = 1.5;
  const auto oracle = HttpOracle::make(options, pair_protocol());
  oracle->judge(pairs.questions(), sink);

  CHECK(count_right(sink) == pairs.size());
  CHECK(sink.twice_ == 0);
  CHECK(asked_after_answer == 0);
  for (const auto& [pair, count] : good_replies) REQUIRE(count == 1);
  CHECK(static_cast<int64_t>(good_replies.size()) == pairs.size());
  CHECK(injected > 500);
  CHECK(static_cast<double>(server.num_requests()) <= 1.05 * static_cast<double>(pairs.size() + injected));
  CHECK(oracle->stats().most_in_flight == 64);
  const HttpStats stats = oracle->stats();
  CHECK(stats.requests == stats.answers + stats.overloads + stats.server_errors + stats.connection_errors + stats.timeouts + stats.unreadable + stats.refusals);
  CHECK(stats.retries == stats.requests - pairs.size());
}

TEST_CASE("a request that fails again and again is given up after its attempts, the others are answered") {
  std::atomic<int> tries = 0;
  FaultServer server([&](const SeenRequest& request) -> Reply {
    if (pairs_in(request.body).at(0) != Pair{3, 1}) return answer_to(request);
    ++tries;
    return {.status = 500, .body = error_body("the model crashed on this")};
  });
  const Pairs pairs(40, 3);
  PairSink sink;
  HttpOptions options = options_for(server);
  options.attempts = 3;
  HttpOracle::make(options, pair_protocol())->judge(pairs.questions(), sink);
  CHECK(count_right(sink) == pairs.size() - 1);
  CHECK(sink.verdicts_.at({3, 1}) == Verdict::fail("status 500: the model crashed on this"));
  CHECK(tries == 3);
}

TEST_CASE("a wrong key or model ends the run in the server's words, without the key") {
  setenv("LMTX_TEST_KEY", "sk-0123456789abcdef", 1);
  FaultServer server([](const SeenRequest& request) -> Reply {
    CHECK_THAT(request.head, ContainsSubstring("Authorization: Bearer sk-0123456789abcdef"));
    return {.status = 401, .body = error_body("Incorrect API key provided: sk-0123456789abcdef.")};
  });
  const Pairs pairs(5, 5);
  PairSink sink;
  HttpOptions options = options_for(server);
  options.key_variable = "LMTX_TEST_KEY";
  const auto oracle = HttpOracle::make(options, pair_protocol());
  unsetenv("LMTX_TEST_KEY");
  CHECK(judge_error(*oracle, pairs, sink) == "The teacher's server " + server.url() + ": status 401: Incorrect API key provided: ***.");
  CHECK(sink.verdicts_.empty());
}

TEST_CASE("the key is in nothing that is written") {
  const std::string key = "sk-0123456789abcdef";
  setenv("LMTX_TEST_KEY", key.c_str(), 1);
  const TemporaryFolder folder;
  // A server that throws the key back wherever it can.
  FaultServer server([&](const SeenRequest& request) -> Reply {
    if (request.number % 4 == 1) return {.status = 500, .body = error_body("I was given " + key)};
    if (request.number % 4 == 2) return {.body = "not JSON, but " + key};
    if (request.number % 4 == 3) return {.status = 422, .body = error_body("no, " + key)};
    return {.body = text_answer("yes " + key)};
  });
  HttpOptions options = options_for(server);
  options.key_variable = "LMTX_TEST_KEY";
  options.attempts = 2;
  options.keep_raw = true;
  const auto oracle = HttpOracle::make(options, pair_protocol());
  unsetenv("LMTX_TEST_KEY");

  class StoreSink final : public AnswerSink {
   public:
    StoreSink(JudgmentStore store, std::string identity) : store_(std::move(store)), identity_(std::move(identity)) {}
    void put(const Question& question, std::span<const Verdict> verdicts, const Usage& usage, std::string_view raw) override {
      store_.put(identity_, question, verdicts, usage, "run", raw);
      for (const Verdict& verdict : verdicts) said += verdict.reason();
      said += raw;
    }
    std::stop_token stop() const override { return {}; }
    std::string said;

   private:
    JudgmentStore store_;
    const std::string identity_;
  };
  const Pairs pairs(10, 4);
  std::string said;
  {
    StoreSink sink(JudgmentStore::open(folder / "judgments.db"), oracle->identity());
    oracle->judge(pairs.questions(), sink);
    said = sink.said;
  }
  CHECK_THAT(said, ContainsSubstring("yes ***"));
  CHECK_THAT(said, ContainsSubstring("status 422: no, ***"));
  for (const std::string& note : oracle->stats().notes) said += note;
  said += oracle->identity() + oracle->options().url + oracle->options().key_variable;
  CHECK_THAT(said, !ContainsSubstring(key));
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(file), {});
    CHECK(bytes.size() > 1000);
    CHECK(bytes.find(key) == bytes.npos);
  }
}

TEST_CASE("a server that refuses log-probabilities is asked for text, and people are told") {
  std::atomic<int> refused = 0;
  FaultServer server([&](const SeenRequest& request) -> Reply {
    if (request.body.find("logprobs") == request.body.npos) return {.body = text_answer(pairs_in(request.body).at(0).second % 2 ? "Yes." : "No.")};
    ++refused;
    return {.status = 400, .body = error_body("`logprobs` is not supported by this model")};
  });
  const Pairs pairs(20, 4);
  PairSink sink;
  HttpOptions options = options_for(server);
  options.max_concurrency = options.starting_concurrency = 4;
  const auto oracle = HttpOracle::make(options, pair_protocol());
  oracle->judge(pairs.questions(), sink);
  CHECK(sink.verdicts_.size() == 80);
  for (const auto& [pair, verdict] : sink.verdicts_) CHECK(verdict == (pair.second % 2 ? Verdict::yes() : Verdict::no()));
  // Those that were on their way at first.
  CHECK(refused <= 4);
  REQUIRE(oracle->stats().notes.size() == 1);
  CHECK_THAT(oracle->stats().notes[0], StartsWith("The server refuses log-probabilities (status 400: `logprobs` is not supported"));
}

TEST_CASE("an answer without the log-probabilities that were asked for is read as text") {
  FaultServer server([&](const SeenRequest& request) -> Reply { return {.body = text_answer(pairs_in(request.body).at(0).second ? "yes" : "Perhaps")}; });
  const Pairs pairs(3, 2);
  PairSink sink;
  HttpOptions options = options_for(server);
  options.keep_raw = true;
  const auto oracle = HttpOracle::make(options, pair_protocol());
  oracle->judge(pairs.questions(), sink);
  for (const auto& [pair, verdict] : sink.verdicts_) CHECK(verdict == (pair.second ? Verdict::yes() : Verdict::abstain()));
  CHECK(std::count(sink.raws_.begin(), sink.raws_.end(), "Perhaps") == 3);
  CHECK(oracle->stats().without_logprobs == 6);
  CHECK(oracle->stats().notes.size() == 1);
}

TEST_CASE("labels that a list left out are asked about alone, once, and abstained from where that gives no answer") {
  std::mutex mutex;
  std::map<Pair, int> asked_alone;
  FaultServer server([&](const SeenRequest& request) -> Reply {
    const std::vector<Pair> asked = pairs_in(request.body);
    if (asked.size() == 1) {
      const std::lock_guard lock(mutex);
      ++asked_alone[asked[0]];
      return {.body = text_answer(asked[0].second == 0 ? "I cannot say." : "yes")};
    }
    // Labels 0 and 1 are left out.
    std::string text;
    for (size_t i = 0; i < asked.size(); ++i) {
      if (asked[i].second >= 2) text += std::to_string(i + 1) + ": " + (asked[i].second % 2 ? "yes" : "no") + "\n";
    }
    return {.body = text_answer(text)};
  });
  const Pairs pairs(10, 8);
  PairSink sink;
  const auto oracle = HttpOracle::make(options_for(server), pair_protocol({.model = "tiny", .labels_per_prompt = 4}));
  oracle->judge(pairs.questions(), sink);
  CHECK(sink.twice_ == 0);
  CHECK(sink.verdicts_.size() == 80);
  for (const auto& [pair, verdict] : sink.verdicts_) {
    CHECK(verdict == (pair.second == 0 ? Verdict::abstain() : pair.second == 1 || pair.second % 2 ? Verdict::yes() : Verdict::no()));
  }
  CHECK(asked_alone.size() == 20);
  for (const auto& [pair, count] : asked_alone) CHECK(count == 1);
  CHECK(server.num_requests() == 10 * 2 + 20);
  CHECK(oracle->stats().asked_alone == 20);
}

TEST_CASE("a server that cannot be reached ends the run after a request's attempts") {
  std::string url;
  {
    url = FaultServer([](const SeenRequest&) { return Reply{}; }).url();
  }
  const Pairs pairs(5, 5);
  PairSink sink;
  const auto oracle = HttpOracle::make({.url = url, .attempts = 3, .backoff_seconds = 0.001}, pair_protocol());
  CHECK_THAT(judge_error(*oracle, pairs, sink), StartsWith("The teacher's server " + url + ": 3 tries failed, the last one with: "));
}

TEST_CASE("a server that goes away ends the run after a while, and what it answered is kept") {
  FaultServer server([](const SeenRequest& request) -> Reply {
    if (request.number >= 50) return {.status = 503, .body = error_body("shutting down")};
    return answer_to(request);
  });
  const Pairs pairs(50, 5);
  PairSink sink;
  HttpOptions options = options_for(server);
  options.give_up_seconds = 0.3;
  options.attempts = 4;
  const auto oracle = HttpOracle::make(options, pair_protocol());
  const std::string error = judge_error(*oracle, pairs, sink);
  CHECK_THAT(error, StartsWith("The teacher's server " + server.url() + ": has answered nothing for "));
  CHECK_THAT(error, ContainsSubstring("the last one with: status 503: shutting down"));
  CHECK(count_right(sink) == 50);
  // Nothing was blamed on the pairs.
  CHECK(sink.verdicts_.size() == 50);
}

TEST_CASE("an outage that ends is waited for, and costs no pair its answer") {
  const auto begin = std::chrono::steady_clock::now();
  FaultServer server([&](const SeenRequest& request) -> Reply {
    const double time = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (request.number >= 20 && time < 0.5) return {.status = 502, .body = "bad gateway"};
    return answer_to(request);
  });
  const Pairs pairs(20, 5);
  PairSink sink;
  HttpOptions options = options_for(server);
  options.attempts = 4;
  HttpOracle::make(options, pair_protocol())->judge(pairs.questions(), sink);
  CHECK(count_right(sink) == pairs.size());
}

TEST_CASE("Retry-After holds all requests") {
  std::mutex mutex;
  std::chrono::steady_clock::time_point refused;
  double first_after = -1;
  FaultServer server([&](const SeenRequest& request) -> Reply {
    const std::lock_guard lock(mutex);
    if (request.number == 10) {
      refused = std::chrono::steady_clock::now();
      return {.status = 429, .headers = {"Retry-After: 1"}};
    }
    // Those that were on their way come at once.
    const double after = std::chrono::duration<double>(std::chrono::steady_clock::now() - refused).count();
    if (request.number > 20 && first_after < 0) first_after = after;
    return answer_to(request);
  });
  const Pairs pairs(10, 5);
  PairSink sink;
  HttpOptions options = options_for(server);
  options.max_concurrency = options.starting_concurrency = 4;
  const auto oracle = HttpOracle::make(options, pair_protocol());
  oracle->judge(pairs.questions(), sink);
  CHECK(count_right(sink) == pairs.size());
  CHECK(first_after >= 0.99);
  CHECK(oracle->stats().waits == 1);
}

TEST_CASE("on a stop request nothing new is asked, and what is on its way is kept") {
  std::atomic<int64_t> replied = 0;
  FaultServer server([&](const SeenRequest& request) -> Reply {
    ++replied;
    Reply reply = answer_to(request);
    reply.delay_seconds = 0.02;
    return reply;
  });
  const Pairs pairs(100, 10);
  PairSink sink;
  sink.stop_after = 40;
  HttpOptions options = options_for(server);
  options.stop_seconds = 10;
  HttpOracle::make(options, pair_protocol())->judge(pairs.questions(), sink);
  CHECK(sink.verdicts_.size() < 200);
  CHECK(static_cast<int64_t>(sink.verdicts_.size()) == replied);
  CHECK(static_cast<size_t>(count_right(sink)) == sink.verdicts_.size());
}

TEST_CASE("on a stop request a server that does not answer is not waited for") {
  FaultServer server([&](const SeenRequest& request) -> Reply {
    Reply reply = answer_to(request);
    if (request.number >= 8) reply.way = Reply::Way::silent;
    return reply;
  });
  const Pairs pairs(100, 10);
  PairSink sink;
  sink.stop_after = 8;
  HttpOptions options = options_for(server);
  options.stop_seconds = 0.05;
  HttpOracle::make(options, pair_protocol())->judge(pairs.questions(), sink);
  CHECK(sink.verdicts_.size() == 8);
}

TEST_CASE("what keeps an answer from being kept comes out of judge()") {
  FaultServer server(answer_to);
  const Pairs pairs(100, 10);
  PairSink sink;
  sink.throw_after = 10;
  const auto oracle = HttpOracle::make(options_for(server), pair_protocol());
  CHECK_THROWS_WITH(oracle->judge(pairs.questions(), sink), "the disk is full");
  CHECK(sink.verdicts_.size() == 10);
}

TEST_CASE("two calls at once share the limits, and each gets its own answers") {
  FaultServer server([](const SeenRequest& request) {
    Reply reply = answer_to(request);
    reply.delay_seconds = 0.001;
    return reply;
  });
  HttpOptions options = options_for(server);
  options.max_concurrency = options.starting_concurrency = 6;
  const auto oracle = HttpOracle::make(options, pair_protocol());
  const Pairs first(40, 5), second(50, 4);
  PairSink first_sink, second_sink;
  {
    const std::jthread other([&] { oracle->judge(second.questions(), second_sink); });
    oracle->judge(first.questions(), first_sink);
  }
  CHECK(count_right(first_sink) == first.size());
  CHECK(count_right(second_sink) == second.size());
  CHECK(server.most_at_once() <= 6);
  CHECK(oracle->stats().most_in_flight == 6);
}

TEST_CASE("what a document is about is asked for with a warm prefix") {
  std::mutex mutex;
  std::map<int64_t, int> asked, answered;
  bool cold = false;
  FaultServer server([&](const SeenRequest& request) {
    const int64_t document = pairs_in(request.body).at(0).first;
    {
      const std::lock_guard lock(mutex);
      cold = cold || (asked[document]++ > 0 && answered[document] == 0);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    const std::lock_guard lock(mutex);
    ++answered[document];
    return answer_to(request);
  });
  const Pairs pairs(12, 10);
  PairSink sink;
  HttpOptions options = options_for(server);
  options.warm_prefix = GENERATE(true, false);
  options.starting_concurrency = 16;
  HttpOracle::make(options, pair_protocol())->judge(pairs.questions(), sink);
  CHECK(count_right(sink) == pairs.size());
  CHECK(cold == !options.warm_prefix);
}

TEST_CASE("requests a minute are not exceeded") {
  FaultServer server(answer_to);
  const Pairs pairs(10, 10);
  PairSink sink;
  HttpOptions options = options_for(server);
  options.requests_per_minute = 3000;  // 50 a second, of which 100 at first
  const auto begin = std::chrono::steady_clock::now();
  const Pairs more(3, 10);
  const auto oracle = HttpOracle::make(options, pair_protocol());
  oracle->judge(pairs.questions(), sink);
  PairSink more_sink;
  oracle->judge(more.questions(), more_sink);
  CHECK(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() > 0.58);
  CHECK(count_right(more_sink) == more.size());
}

TEST_CASE("prices make costs, and cached tokens have their own") {
  FaultServer server([](const SeenRequest&) -> Reply {
    auto body = nlohmann::json::parse(chat_answer(0.5));
    body["usage"]["prompt_tokens_details"] = {{"cached_tokens", 80}};
    return {.body = body.dump()};
  });
  HttpOptions options = options_for(server);
  options.prompt_price = 2;
  options.cached_price = 0.5;
  options.completion_price = 10;
  const auto oracle = HttpOracle::make(options, pair_protocol());
  const Pairs pairs(2, 5);
  PairSink sink;
  oracle->judge(pairs.questions(), sink);
  CHECK(sink.usage_.cost == Approx(10 * (20 * 2 + 80 * 0.5 + 10) / 1e6));
  CHECK(oracle->stats().cost == Approx(sink.usage_.cost));
  CHECK(oracle->estimate(pairs.questions()[0]).cost > 0);
}

TEST_CASE("options that make no sense are named") {
  const auto make = [](HttpOptions options) {
    if (options.url.empty()) options.url = "http://localhost/v1";
    HttpOracle::make(options, pair_protocol());
  };
  CHECK_THROWS_WITH(make({.url = "ftp://x/v1"}), "`url` must begin with http:// or https://, but begins with `ftp` instead.");
  CHECK_THROWS_WITH(make({.url = "localhost:8000/v1"}), StartsWith("`url` must be an address such as http://localhost:8000/v1, but is none: "));
  CHECK_THROWS_WITH(make({.url = "http://"}), StartsWith("`url` must be an address such as http://localhost:8000/v1, but is none: "));
  for (const char* url : {"https://me:sk-123456@x/v1", "https://x/v1?key=sk-123456", "https://x/v1#sk-123456"}) {
    CHECK_THROWS_WITH(make({.url = url}), "`url` must not have a user, a password, a query or a fragment: keys come from environment variables.");
  }
  CHECK_THROWS_WITH(make({.starting_concurrency = 65}),
                    "Concurrency must be 1 <= `min_concurrency` <= `starting_concurrency` <= `max_concurrency` <= 4096, but these are 1, 65 and 64.");
  CHECK_THROWS_WITH(make({.tokens_per_minute = -1}), "`tokens_per_minute` must be at least 0, but is -1 instead.");
  CHECK_THROWS_WITH(make({.response_seconds = 0}), "`response_seconds` must be above 0, but is 0 instead.");
  CHECK_THROWS_WITH(make({.attempts = 0}), "`attempts` must be at least 1, but is 0 instead.");
  CHECK_THROWS_WITH(make({.key_variable = "LMTX_TEST_UNSET"}), ContainsSubstring("`LMTX_TEST_UNSET`"));
}

TEST_CASE("the identity is the protocol's, whatever the server and its limits") {
  const ChatProtocol protocol = pair_protocol();
  CHECK(HttpOracle::make({.url = "http://a/v1/"}, protocol)->identity() == protocol.identity());
  CHECK(HttpOracle::make({.url = "https://b:1/v1", .max_concurrency = 100, .attempts = 9}, protocol)->identity() == protocol.identity());
  CHECK(HttpOracle::make({.url = "http://a/v1/"}, protocol)->options().url == "http://a/v1");
}
