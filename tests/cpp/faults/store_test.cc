// A judgment store that is made, filled and closed, brought to a newer format, or merged, disturbed at its file operations.
#include <fcntl.h>
#include <unistd.h>

#include <set>
#include <string>
#include <vector>

#include "catch.h"
#include "data.h"
#include "faults.h"
#include "lmtx/detail/files.h"
#include "lmtx/teacher/judgment_store.h"
#include "temporary_folder.h"

using namespace lmtx;
using namespace lmtx::test;

namespace {

// The question called `i`: two labels.
template <typename Use>
auto with_question(char i, Use use) {
  const std::vector<LabelToJudge> labels = {{"a", "Apples", ""}, {"b", "Bees", ""}};
  return use(Question{.uid = {&i, 1}, .title = {&i, 1}, .content = "", .labels = labels});
}

class Putting final : public Job {
 public:
  fs::path folder() const override { return files_ / "folder"; }

  void reset() override {
    fs::remove_all(folder());
    fs::remove(log());
    fs::create_directories(folder());
  }

  void work() override {
    JudgmentStore store = JudgmentStore::open(file());
    for (char i = 'a'; i < 'a' + num_questions; ++i) {
      with_question(i, [&](const Question& question) { store.put("llm/1", question, std::vector<Verdict>{Verdict::yes(), Verdict::abstain()}); });
      note(i);
    }
  }

  // Looked at where it lies: so the next start finds it after a reader.
  void check_disturbed() override {
    const JudgmentStore store = JudgmentStore::open(file());
    const std::string put = fs::exists(log()) ? detail::read_file(log()) : "";
    for (const char i : put) REQUIRE(num_found(store, i) == 2);
    // The one in flight is there whole or not at all.
    const int64_t others = store.size() - 2 * static_cast<int64_t>(std::set<char>(put.begin(), put.end()).size());
    REQUIRE((others == 0 || others == 2));
  }

  void check_done() override {
    const JudgmentStore store = JudgmentStore::open(file());
    REQUIRE(store.size() == 2 * num_questions);
    for (char i = 'a'; i < 'a' + num_questions; ++i) REQUIRE(num_found(store, i) == 2);
  }

 private:
  static constexpr int64_t num_questions = 3;

  fs::path file() const { return folder() / "judgments.db"; }
  fs::path log() const { return files_ / "put"; }

  // Survives a kill.
  void note(char i) const {
    const int descriptor = ::open(log().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (::write(descriptor, &i, 1) != 1) throw std::runtime_error("cannot write the log");
    ::close(descriptor);
  }

  static int64_t num_found(const JudgmentStore& store, char i) {
    const auto found = with_question(i, [&](const Question& question) { return store.find("llm/1", question); });
    return (found[0] && found[0]->verdict == Verdict::yes()) + (found[1] && found[1]->verdict == Verdict::abstain());
  }

  const TemporaryFolder files_{fast_folder()};
};

// What works on stores that lie in a folder: prepared once, copied for each start.
class OnStores : public Job {
 public:
  fs::path folder() const override { return files_ / "folder"; }

  void reset() override {
    fs::remove_all(folder());
    fs::copy(prepared(), folder(), fs::copy_options::recursive);
  }

 protected:
  fs::path prepared() const { return files_ / "prepared"; }

  // All that a store says.
  std::string lines_of(const fs::path& file) const {
    JudgmentStore::open(file).export_json_lines(files_ / "lines");
    return detail::read_file(files_ / "lines");
  }

 private:
  const TemporaryFolder files_{fast_folder()};
};

// Opens a store of format 1.
class Migrating final : public OnStores {
 public:
  Migrating() {
    fs::create_directories(prepared());
    fs::copy_file(formats_folder() / "v1" / "judgments.db", prepared() / "judgments.db");
    fs::copy(prepared(), folder(), fs::copy_options::recursive);
    expected_ = lines_of(file());
  }

  void work() override { JudgmentStore::open(file()); }
  void check_disturbed() override { check_done(); }
  void check_done() override {
    REQUIRE(JudgmentStore::open(file()).check().whole());
    REQUIRE(lines_of(file()) == expected_);
  }

 private:
  fs::path file() const { return folder() / "judgments.db"; }
  std::string expected_;
};

// Merges two stores that have a question in common.
class Merging final : public OnStores {
 public:
  Merging() {
    fs::create_directories(prepared());
    fill(prepared() / "into.db", "ab", Verdict::yes());
    fill(prepared() / "from.db", "bcd", Verdict::no());
    before_ = JudgmentStore::open(prepared() / "into.db").size();
    fs::copy(prepared(), folder(), fs::copy_options::recursive);
    work();
    expected_ = lines_of(folder() / "into.db");
  }

  void work() override {
    const JudgmentStore from = JudgmentStore::open(folder() / "from.db");
    JudgmentStore::open(folder() / "into.db").merge_from(from);
  }

  void check_disturbed() override {
    const JudgmentStore into = JudgmentStore::open(folder() / "into.db");
    REQUIRE(into.check().whole());
    REQUIRE(into.size() >= before_);
    with_question('b', [&](const Question& question) { REQUIRE(into.find("llm/1", question)[0]->verdict == Verdict::yes()); });
  }

  void check_done() override { REQUIRE(lines_of(folder() / "into.db") == expected_); }

 private:
  static void fill(const fs::path& file, std::string_view uids, const Verdict& verdict) {
    JudgmentStore store = JudgmentStore::open(file);
    for (const char i : uids) {
      with_question(i, [&](const Question& question) { store.put("llm/1", question, std::vector<Verdict>{verdict, Verdict::abstain()}, {.prompt_tokens = 5}); });
    }
  }

  int64_t before_ = 0;
  std::string expected_;
};

}  // namespace

TEST_CASE("A store that is killed while it is made or filled has what was put, and nothing by halves") {
  Putting job;
  const auto numbers = every(operations_of(job));
  check_kills(job, "cut", numbers);
  check_kills(job, "kill", numbers);
  for (uint64_t seed = 1; seed <= 5; ++seed) check_kills_in_a_row(job, seed, 60);
}

TEST_CASE("A store whose disk fails names the file and the cause, and has what was put") {
  Putting job;
  const auto numbers = some(operations_of(job));
  for (const char* error : {"ENOSPC", "EIO", "EROFS", "EACCES"}) {
    for (const char* action : {"last", "fail"}) check_errors(job, action, error, numbers);
  }
  check_short_writes(job, numbers);
}

TEST_CASE("A store of an older format that is killed while it is brought up is the same store afterwards") {
  Migrating job;
  const auto numbers = every(operations_of(job));
  check_kills(job, "cut", numbers);
  check_kills(job, "kill", numbers);
}

TEST_CASE("A store whose disk fails while it is brought up names the file and the cause, and is the same store afterwards") {
  Migrating job;
  const auto numbers = some(operations_of(job));
  // A file that cannot be opened for writing SQLite opens for reading, whatever the cause.
  for (const char* error : {"ENOSPC", "EROFS"}) check_errors(job, "last", error, numbers);
}

TEST_CASE("A merge that is killed is finished by the same merge") {
  Merging job;
  const auto numbers = every(operations_of(job));
  check_kills(job, "cut", numbers);
  check_kills(job, "kill", numbers);
  // Seeds with which it is killed at least once.
  for (uint64_t seed = 1; seed <= 2; ++seed) check_kills_in_a_row(job, seed, 60);
}

TEST_CASE("A merge whose disk fails names the file and the cause, and is finished by the same merge") {
  Merging job;
  const auto numbers = some(operations_of(job));
  // A file that cannot be opened for writing SQLite opens for reading, whatever the cause.
  for (const char* error : {"ENOSPC", "EROFS"}) check_errors(job, "last", error, numbers);
}
