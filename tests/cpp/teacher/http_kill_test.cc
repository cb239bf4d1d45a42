// kill -9 while the HTTP teacher is at work.
#include <fcntl.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <optional>

#include "catch.h"
#include "child.h"
#include "lmtx/teacher/http_oracle.h"
#include "lmtx/teacher/judgment_store.h"
#include "teacher/fault_server.h"
#include "teacher/http_pairs.h"
#include "temporary_folder.h"

namespace {

using namespace lmtx;
using namespace lmtx::test;

constexpr int64_t concurrency = 16;

class StoreSink final : public AnswerSink {
 public:
  StoreSink(JudgmentStore& store, std::string identity) : store_(store), identity_(std::move(identity)) {}
  void put(const Question& question, std::span<const Verdict> verdicts, const Usage& usage, std::string_view raw) override {
    store_.put(identity_, question, verdicts, usage, "run", raw);
  }
  std::stop_token stop() const override { return {}; }

 private:
  JudgmentStore& store_;
  const std::string identity_;
};

// Asks for what the store does not have, as a run does.
void judge_what_is_open(const std::filesystem::path& file, int port, const Pairs& pairs) {
  const auto oracle = HttpOracle::make(
      {.url = "http://127.0.0.1:" + std::to_string(port) + "/v1", .max_concurrency = concurrency, .starting_concurrency = concurrency}, pair_protocol());
  JudgmentStore store = JudgmentStore::open(file);
  std::vector<std::vector<LabelToJudge>> open;
  std::vector<Question> questions;
  for (const Question& question : pairs.questions()) {
    const auto held = store.find(oracle->identity(), question);
    std::vector<LabelToJudge> labels;
    for (size_t i = 0; i < held.size(); ++i) {
      if (!held[i]) labels.push_back(question.labels[i]);
    }
    if (labels.empty()) continue;
    open.push_back(std::move(labels));
    questions.push_back(question);
    questions.back().labels = open.back();
  }
  StoreSink sink(store, oracle->identity());
  oracle->judge(questions, sink);
}

// A server in a process of its own, which says its port and then, one by one, what it is asked.
std::unique_ptr<Child> start_server(const std::filesystem::path& log) {
  return std::make_unique<Child>([log](int output) {
    const int asked = open(log.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
    FaultServer server([&](const SeenRequest& request) {
      const Pair pair = pairs_in(request.body).at(0);
      const std::string line = std::to_string(pair.first) + " " + std::to_string(pair.second) + "\n";
      if (write(asked, line.data(), line.size()) < 0) abort();
      return Reply{.body = chat_answer(score_of_pair(pair)), .delay_seconds = 0.002};
    });
    const int port = server.port();
    if (write(output, &port, sizeof port) < 0) return;
    pause();
  });
}

std::vector<Pair> read_log(const std::filesystem::path& log) {
  std::ifstream file(log);
  std::vector<Pair> pairs;
  for (Pair pair; file >> pair.first >> pair.second;) pairs.push_back(pair);
  return pairs;
}

}  // namespace

TEST_CASE("after kill -9 at most the requests in flight are asked again") {
  const TemporaryFolder folder;
  const std::filesystem::path store_file = folder / "judgments.db", log = folder / "asked";
  const Pairs pairs(60, 20);
  const auto server = start_server(log);
  int port = 0;
  REQUIRE(server->read_value(port));
  int64_t num_kills = 0;
  for (const size_t enough : {100, 430, 900}) {
    Child run([&](int) { judge_what_is_open(store_file, port, pairs); });
    while (read_log(log).size() < enough) usleep(1000);
    run.kill_now();
    ++num_kills;
  }
  CHECK(Child([&](int) { judge_what_is_open(store_file, port, pairs); }).read_rest() == "");

  std::map<Pair, int64_t> asked;
  for (const Pair& pair : read_log(log)) ++asked[pair];
  CHECK(static_cast<int64_t>(asked.size()) == pairs.size());
  int64_t repeated = 0;
  for (const auto& [pair, count] : asked) repeated += count - 1;
  CHECK(repeated <= num_kills * concurrency);

  const JudgmentStore store = JudgmentStore::open(store_file);
  CHECK(store.size() == pairs.size());
  const std::string identity = pair_protocol().identity();
  for (int64_t i = 0; i < 60; ++i) {
    const auto found = store.find(identity, pairs.questions()[static_cast<size_t>(i)]);
    for (int64_t label = 0; label < 20; ++label) REQUIRE(found[static_cast<size_t>(label)]->verdict.score() == Approx(score_of_pair({i, label})));
  }
}
