// A whole run, disturbed at its file operations.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "catch.h"
#include "faults.h"
#include "lmtx/encoder.h"
#include "lmtx/teacher/judgment_store.h"
#include "lmtx/train/curriculum_trainer.h"
#include "temporary_folder.h"
#include "train/one_thread.h"
#include "train/trainer_fixtures.h"

using namespace lmtx;
using namespace lmtx::test;

namespace {

constexpr int64_t num_documents = 30, labels_per_question = 4;
const char* const teacher_identity = "logging/1";

using Pair = std::pair<std::string, std::string>;

// The truth, of which the teacher does not know all.
Verdict answer(std::string_view document, std::string_view label) {
  if (label == "t3") return Verdict::miss();
  return label == "t5" ? Verdict::abstain() : topic_truth(document, label);
}

// What a teacher did, in a file that survives it: "begin" for a process, "ask" and "put" for a pair.
class TeacherLog {
 public:
  explicit TeacherLog(fs::path file) : file_(std::move(file)) {}

  void add(const std::string& lines) const {
    const int descriptor = ::open(file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (::write(descriptor, lines.data(), lines.size()) < 0) throw std::runtime_error("cannot write the log of the teacher");
    ::close(descriptor);
  }
  void add(const std::string& what, const Question& question) const {
    std::string lines;
    for (const LabelToJudge& label : question.labels) lines += what + " " + std::string(question.uid) + " " + std::string(label.uid) + "\n";
    add(lines);
  }
  void clear() const { fs::remove(file_); }

  // One a process.
  struct Life {
    std::map<Pair, int64_t> asked;
    // Pairs whose put() had returned, and those that were asked and whose had not.
    std::set<Pair> put, in_flight;
  };
  std::vector<Life> lives() const {
    std::vector<Life> lives;
    std::ifstream lines(file_);
    for (std::string what; lines >> what;) {
      if (what == "begin") {
        lives.emplace_back();
        continue;
      }
      Pair pair;
      lines >> pair.first >> pair.second;
      Life& life = lives.back();
      if (what == "ask") {
        ++life.asked[pair];
        life.in_flight.insert(pair);
      } else {
        life.put.insert(pair);
        life.in_flight.erase(pair);
      }
    }
    return lives;
  }

 private:
  fs::path file_;
};

class LoggingTeacher final : public TeacherOracle {
 public:
  LoggingTeacher(TeacherLog log, TeacherTraits traits) : log_(std::move(log)), traits_(traits) {}
  std::string identity() const override { return teacher_identity; }
  TeacherTraits traits() const override { return traits_; }
  void judge(std::span<const Question> questions, AnswerSink& answers) override {
    for (const Question& question : questions) log_.add("ask", question);
    for (const Question& question : questions) {
      std::vector<Verdict> verdicts;
      for (const LabelToJudge& label : question.labels) verdicts.push_back(answer(question.uid, label.uid));
      answers.put(question, verdicts);
      log_.add("put", question);
    }
  }

 private:
  const TeacherLog log_;
  const TeacherTraits traits_;
};

TrainerOptions tiny_options() {
  TrainerOptions options;
  options.cycles = 2;
  options.judgments_per_cycle = labels_per_question;
  options.development = 3;
  options.document_length = 16;
  options.epochs = 2;
  options.batch_size = 4;
  options.learning_rate = 5e-3;
  options.warmup = 0.2;
  options.checkpoint_every = 3;
  options.use_all_judgments = true;
  options.search_token_budget = 256;
  return options;
}

// The preset "default" on as little.
TrainerOptions tiny_default_options() {
  TrainerOptions options = preset("default");
  options.cycles = 2;
  options.judgments_per_document = 5;
  options.document_length = 16;
  options.batch_size = 4;
  options.steps = 6;
  options.mask_near = 2;
  options.learning_rate = 5e-3;
  options.checkpoint_every = 3;
  options.search_token_budget = 256;
  return options;
}

class Training final : public Job {
 public:
  explicit Training(TeacherTraits traits, TrainerOptions options = tiny_options())
      : traits_(traits), options_(std::move(options)), log_(files_ / "teacher.log"), base_(make_base(files_ / "model")) {
    reset();
    const End end = start(*this);
    INFO(end.message);
    REQUIRE(end.code == 0);
    expected_ = outcome();
    recording_ = recording(store());
    const auto lives = log_.lives();
    REQUIRE(lives.size() == 1);
    asked_ = lives[0].asked;
    REQUIRE(asked_.size() > 100);
  }

  fs::path folder() const override { return files_ / "run"; }
  void reset() override {
    fs::remove_all(folder());
    log_.clear();
  }

  void work() override {
    log_.add("begin\n");
    const auto teacher = std::make_shared<LoggingTeacher>(log_, traits_);
    const RunOptions run{.folder = folder(), .store = {}, .budget = {}};
    CurriculumTrainer(base_, Corpus::from_documents(topic_documents(num_documents)), topic_labels(), teacher, options_, run).run();
  }

  // The store can be read, and has whatever was put. Looked at in a copy, so that the next process finds it as it was left.
  void check_disturbed() override {
    check_in_flight();
    const TemporaryFolder copy(fast_folder());
    for (const char* name : {"judgments.db", "judgments.db-wal", "judgments.db-journal"}) {
      if (fs::exists(folder() / name)) fs::copy_file(folder() / name, copy / name);
    }
    const auto put = all_put();
    if (put.empty() && !fs::exists(copy / "judgments.db")) return;
    check_stored(JudgmentStore::open(copy / "judgments.db"), put);
  }

  void check_done() override {
    check_same(outcome(), expected_);
    const TemporaryFolder copy(fast_folder());
    fs::copy_file(store(), copy / "judgments.db");
    REQUIRE(recording(copy / "judgments.db") == recording_);
    check_stored(JudgmentStore::open(copy / "judgments.db"), all_put());
    check_in_flight();
    check_asked();
  }

 private:
  static Encoder make_base(const fs::path& folder) {
    make_tiny_model(folder);
    return Encoder::load(folder);
  }

  fs::path store() const { return folder() / "judgments.db"; }

  std::string recording(const fs::path& store) const {
    JudgmentStore::open(store).export_recording(teacher_identity, files_ / "recording");
    return detail::read_file(files_ / "recording");
  }

  // All but what differs from run to run: the name that is drawn, the order of rows and the time in the store. The files beside the store are of use to those
  // only who have it open; where they cannot be removed they stay.
  std::map<std::string, std::string> outcome() const {
    auto files = everything_in(folder());
    for (const char* beside : {"judgments.db-wal", "judgments.db-shm"}) files.erase(beside);
    files.at("judgments.db").clear();
    auto run = detail::parse_json(files.at("run.json"), "run.json");
    run.erase("run");
    run.erase("checksum");
    files.at("run.json") = run.dump();
    return files;
  }

  std::set<Pair> all_put() const {
    std::set<Pair> put;
    for (const TeacherLog::Life& life : log_.lives()) put.insert(life.put.begin(), life.put.end());
    return put;
  }

  // Missing ones are not stored.
  void check_stored(const JudgmentStore& store, const std::set<Pair>& put) const {
    static const std::vector<Document> documents = topic_documents(num_documents);
    static const LabelSet labels = topic_labels();
    for (const auto& [document, label] : put) {
      if (answer(document, label).kind() == Verdict::Kind::missing) continue;
      INFO(document << " " << label);
      const Document& asked = documents.at(std::stoul(document.substr(1)));
      const std::vector<LabelToJudge> one = {{label, labels[std::stoll(label.substr(1))].name, ""}};
      const auto found = store.find(teacher_identity, {asked.uid, asked.title, asked.content, one});
      REQUIRE(found.at(0));
      REQUIRE(found[0]->verdict == answer(document, label));
    }
  }

  void check_in_flight() const {
    const size_t at_once = static_cast<size_t>(traits_.concurrent_calls * traits_.questions_per_call * most_labels());
    for (const TeacherLog::Life& life : log_.lives()) REQUIRE(life.in_flight.size() <= at_once);
  }

  // Nothing is asked again but what was in flight when a process ended, and that once.
  void check_asked() const {
    std::map<Pair, int64_t> allowed = asked_, asked;
    int64_t repeated = -count(asked_), in_flight = 0;
    for (const TeacherLog::Life& life : log_.lives()) {
      for (const auto& [pair, times] : life.asked) asked[pair] += times;
      for (const Pair& pair : life.in_flight) ++allowed[pair];
      repeated += count(life.asked);
      in_flight += static_cast<int64_t>(life.in_flight.size());
    }
    REQUIRE(repeated <= in_flight);
    for (const auto& [pair, times] : asked) {
      INFO(pair.first << " " << pair.second);
      REQUIRE(times <= allowed[pair]);
    }
  }

  // Of a question.
  int64_t most_labels() const { return options_.asking == "top" ? labels_per_question : num_topics; }

  static int64_t count(const std::map<Pair, int64_t>& asked) {
    int64_t sum = 0;
    for (const auto& [pair, times] : asked) sum += times;
    return sum;
  }

  const OneThread one_thread_;
  const TemporaryFolder files_{fast_folder()};
  const TeacherTraits traits_;
  const TrainerOptions options_;
  const TeacherLog log_;
  const Encoder base_;
  std::map<std::string, std::string> expected_;
  std::string recording_;
  std::map<Pair, int64_t> asked_;
};

const TeacherTraits one_call{}, four_calls{.questions_per_call = 2, .concurrent_calls = 4};

// For each stage a write in its middle: tokenization, the store, asking, checkpoints, saving.
std::vector<int64_t> writes_of_stages(const std::vector<std::string>& operations) {
  std::vector<int64_t> numbers;
  for (const char* file : {"documents.tokens", "judgments.db-wal", "cycle-0/asked", "cycle-0/training/training.checkpoint", "cycle-0/student",
                           "cycle-1/student", "tagger", "report.json"}) {
    INFO(file);
    std::vector<int64_t> writes;
    for (const int64_t number : every(operations)) {
      if (operations[static_cast<size_t>(number) - 1].starts_with(std::string("write ").append(file))) writes.push_back(number);
    }
    REQUIRE(!writes.empty());
    numbers.push_back(writes[writes.size() / 2]);
  }
  return numbers;
}

struct DiskFault {
  const char* action;
  const char* error;
};
constexpr DiskFault disk_faults[] = {{"last", "ENOSPC"}, {"fail", "ENOSPC"}, {"last", "EIO"},    {"fail", "EIO"},
                                     {"last", "EROFS"},  {"fail", "EROFS"},  {"last", "EACCES"}, {"fail", "EACCES"}};

}  // namespace

TEST_CASE("A run that is killed at a file operation loses nothing that was put, asks again only what was in flight, and ends with the same bytes") {
  Training training(GENERATE(one_call, four_calls));
  const auto operations = operations_of(training);
  check_kills(training, "cut", writes_of_stages(operations));
  check_kills(training, "cut", some(operations, 8));
  check_kills(training, "kill", some(operations, 16, 1));
}

TEST_CASE("A run that is killed at whichever file operation ends with the same bytes", "[.long]") {
  Training training(GENERATE(one_call, four_calls));
  const auto operations = operations_of(training);
  check_kills(training, "cut", every(operations));
  check_kills(training, "kill", some(operations));
}

TEST_CASE("A run of the default preset that is killed at a file operation ends with the same bytes, and asks again only what was in flight") {
  Training training(four_calls, tiny_default_options());
  const auto operations = operations_of(training);
  check_kills(training, "cut", some(operations, 16));
  check_kills(training, "kill", some(operations, 16, 1));
}

TEST_CASE("A run of the default preset that is killed at whichever file operation ends with the same bytes", "[.long]") {
  Training training(GENERATE(one_call, four_calls), tiny_default_options());
  const auto operations = operations_of(training);
  check_kills(training, "cut", every(operations));
  check_kills(training, "kill", some(operations));
}

TEST_CASE("A run of the default preset whose disk fails ends with one line, and goes on when all is well again") {
  Training training(one_call, tiny_default_options());
  const auto operations = operations_of(training);
  size_t first = 0;
  for (const auto& [action, error] : disk_faults) check_errors(training, action, error, some(operations, 48, first++));
}

TEST_CASE("A run that is killed several times in a row ends with the same bytes") {
  Training training(four_calls);
  for (uint64_t seed = 1; seed <= 3; ++seed) check_kills_in_a_row(training, seed, 400);
}

TEST_CASE("A run that is killed many times in a row ends with the same bytes", "[.long]") {
  Training training(GENERATE(one_call, four_calls));
  for (uint64_t seed = 1; seed <= 60; ++seed) check_kills_in_a_row(training, seed, 300);
}

TEST_CASE("The store is flushed before what was made of its verdicts takes its name") {
  Training training(one_call);
  const auto operations = operations_of(training);
  for (const char* result : {"rename cycle-0/asked", "rename cycle-0/measured", "rename cycle-1/asked"}) {
    const auto named = std::find(operations.begin(), operations.end(), result);
    REQUIRE(named != operations.end());
    const auto last_of = [&](const char* operation) { return std::find(std::make_reverse_iterator(named), operations.rend(), operation).base(); };
    REQUIRE(last_of("write judgments.db-wal") != operations.begin());
    REQUIRE(last_of("flush judgments.db-wal") > last_of("write judgments.db-wal"));
  }
}

TEST_CASE("A run whose disk fails ends with one line that names the path and the cause, and goes on when all is well again") {
  Training training(one_call);
  const auto operations = operations_of(training);
  size_t first = 0;
  for (const auto& [action, error] : disk_faults) check_errors(training, action, error, some(operations, 32, first++));
  check_errors(training, "last", "ENOSPC", writes_of_stages(operations));
  check_short_writes(training, writes_of_stages(operations));
}

TEST_CASE("A run goes on after whichever of its file operations failed", "[.long]") {
  Training training(one_call);
  const auto operations = operations_of(training);
  for (const auto& [action, error] : disk_faults) check_errors(training, action, error, some(operations));
  check_errors(training, "last", "ENOSPC", every(operations));
  check_short_writes(training, some(operations));
}
