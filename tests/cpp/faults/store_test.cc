// A judgment store that is made, filled and closed, disturbed at its file operations.
#include <fcntl.h>
#include <unistd.h>

#include <set>
#include <string>
#include <vector>

#include "catch.h"
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
