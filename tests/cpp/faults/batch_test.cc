// A run through batch files, disturbed at its file operations: those of the run, of the requests that it writes, and of answers that are imported.
#include <unistd.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "catch.h"
#include "faults.h"
#include "lmtx/encoder.h"
#include "lmtx/teacher/batch_file_oracle.h"
#include "lmtx/teacher/batch_folder.h"
#include "lmtx/teacher/judgment_store.h"
#include "lmtx/teacher/store_oracle.h"
#include "lmtx/train/curriculum_trainer.h"
#include "teacher/batch_provider.h"
#include "temporary_folder.h"
#include "train/one_thread.h"
#include "train/trainer_fixtures.h"

using namespace lmtx;
using namespace lmtx::test;

namespace {

constexpr int64_t num_documents = 16;

TrainerOptions tiny_options() {
  TrainerOptions options;
  options.cycles = 2;
  options.judgments_per_cycle = 4;
  options.development = 2;
  options.document_length = 16;
  options.epochs = 1;
  options.batch_size = 4;
  options.learning_rate = 5e-3;
  options.use_all_judgments = true;
  options.search_token_budget = 256;
  return options;
}

// Runs, has what is open answered, and goes on, until the run is done.
class BatchRun final : public Job {
 public:
  explicit BatchRun(int64_t labels_per_prompt) : chat_{.model = "tiny", .labels_per_prompt = labels_per_prompt}, base_(make_base(files_ / "model")) {
    reset();
    const End end = start(*this);
    INFO(end.message);
    REQUIRE(end.code == 0);
    expected_ = outcome();
    requests_ = count_ids(batch() / "requests");
    REQUIRE(requests_.size() > 20);
  }

  fs::path folder() const override { return files_ / "job"; }
  void reset() override {
    fs::remove_all(folder());
    fs::create_directories(folder());
  }

  void work() override {
    for (int turn = 0; turn < 60; ++turn) {
      try {
        const auto teacher = BatchFileOracle::make({.folder = batch(), .requests_per_file = 11}, ChatProtocol(chat_));
        const RunOptions run{.folder = folder() / "run", .store = {}, .budget = {}};
        CurriculumTrainer(base_, Corpus::from_documents(topic_documents(num_documents)), topic_labels(), teacher, tiny_options(), run).run();
        return;
      } catch (const PairsOpen&) {
        const fs::path output = files_ / "output";
        fs::remove_all(output);
        for (const fs::path& file : BatchProvider(batch(), habits_).write(output, 2)) import_batch_answers(batch(), file);
      }
    }
    throw std::runtime_error("The run does not come to an end.");
  }

  // No line is there in part.
  void check_disturbed() override {
    for (const char* part : {"requests", "answers", "lists"}) {
      for (const std::string& line : lines_in(batch() / part)) REQUIRE(detail::Json::accept(line));
    }
  }

  // The same requests, each once, and once more where it failed; and the same bytes in the run.
  void check_done() override {
    check_disturbed();
    check_same(outcome(), expected_);
    const BatchProvider provider(batch(), habits_);
    const auto requests = count_ids(batch() / "requests");
    if (chat_.labels_per_prompt == 1) {
      REQUIRE(requests == requests_);
    }
    for (const auto& [id, times] : requests) REQUIRE(times <= (provider.fails_first(id) ? 2 : 1));
  }

 private:
  static Encoder make_base(const fs::path& folder) {
    make_tiny_model(folder);
    return Encoder::load(folder);
  }
  fs::path batch() const { return folder() / "batch"; }

  // All but what differs from run to run: the store's rows and times, and the run's name.
  std::map<std::string, std::string> outcome() const {
    auto files = everything_in(folder() / "run");
    for (const char* store : {"judgments.db", "judgments.db-wal", "judgments.db-shm"}) files.erase(store);
    auto run = detail::parse_json(files.at("run.json"), "run.json");
    run.erase("run");
    run.erase("checksum");
    files.at("run.json") = run.dump();
    return files;
  }

  const OneThread one_thread_;
  const TemporaryFolder files_{fast_folder()};
  const ChatOptions chat_;
  const BatchProvider::Habits habits_{.fails_every = 5, .repeats_every = 4};
  const Encoder base_;
  std::map<std::string, std::string> expected_;
  std::map<std::string, int64_t> requests_;
};

// Those of the batch's files; and a few of them, spread evenly.
std::vector<int64_t> in_batch(const std::vector<std::string>& operations) {
  std::vector<int64_t> numbers;
  for (const int64_t number : every(operations)) {
    if (operations[static_cast<size_t>(number) - 1].find("batch/") != std::string::npos) numbers.push_back(number);
  }
  return numbers;
}
std::vector<int64_t> few(const std::vector<int64_t>& numbers, size_t count, size_t first) {
  std::vector<int64_t> chosen;
  for (size_t i = first; i < numbers.size(); i += 1 + numbers.size() / count) chosen.push_back(numbers[i]);
  return chosen;
}

}  // namespace

TEST_CASE("A run through batch files that is killed at a file operation ends with the same bytes, and asks nothing twice") {
  BatchRun run(GENERATE(1, 3));
  const auto numbers = in_batch(operations_of(run));
  REQUIRE(numbers.size() > 10);
  check_kills(run, "cut", few(numbers, 6, 0));
  check_kills(run, "kill", few(numbers, 6, 1));
}

TEST_CASE("A run through batch files that is killed at whichever file operation of the batch ends with the same bytes", "[.long]") {
  BatchRun run(GENERATE(1, 3));
  const auto numbers = in_batch(operations_of(run));
  check_kills(run, "cut", numbers);
  check_kills(run, "kill", numbers);
  for (uint64_t seed = 1; seed <= 10; ++seed) check_kills_in_a_row(run, seed, 300);
}

TEST_CASE("A run through batch files whose disk fails ends with one line, and goes on when all is well again") {
  BatchRun run(1);
  const auto numbers = in_batch(operations_of(run));
  check_errors(run, "last", "ENOSPC", few(numbers, 6, 0));
  check_errors(run, "fail", "EIO", few(numbers, 6, 1));
  check_short_writes(run, few(numbers, 4, 2));
}

namespace {

// Replays judgments out of a store that may be read and nothing else, as a user who is not its owner.
class Replay final : public Job {
 public:
  Replay() {
    fs::create_directories(folder());
    {
      JudgmentStore store = JudgmentStore::open(file());
      store.put("one/1", question(), std::vector<Verdict>{Verdict::score(0.25)});
    }
    fs::permissions(files_.path(), fs::perms(0755));
    fs::permissions(file(), fs::perms(0444));
    fs::permissions(folder(), fs::perms(0555));
  }
  ~Replay() override { fs::permissions(folder(), fs::perms(0755)); }
  fs::path folder() const override { return files_ / "folder"; }
  void reset() override {}
  void work() override {
    constexpr int nobody = 65534;
    if (::getuid() == 0 && (::setgid(nobody) != 0 || ::setuid(nobody) != 0)) throw std::logic_error("cannot become another user");
    class Sink final : public AnswerSink {
     public:
      void put(const Question&, std::span<const Verdict> verdicts, const Usage&, std::string_view) override {
        if (verdicts[0] != Verdict::score(0.25)) throw std::logic_error("another verdict");
      }
      std::stop_token stop() const override { return {}; }
    } sink;
    const Question asked = question();
    StoreOracle::open(file())->judge(std::span(&asked, 1), sink);
  }
  void check_done() override {}

 private:
  Question question() const { return {"d", "title", "content", std::span(&label_, 1)}; }
  fs::path file() const { return folder() / "judgments.db"; }

  const LabelToJudge label_{"t", "topic", {}};
  const TemporaryFolder files_{fast_folder()};
};

}  // namespace

TEST_CASE("A store is replayed where nothing can be written, and stays as it is") {
  Replay replay;
  const auto before = everything_in(replay.folder());
  const End end = start(replay);
  INFO(end.message);
  CHECK(end.code == 0);
  check_same(everything_in(replay.folder()), before);
}
