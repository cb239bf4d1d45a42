// The store among processes: killed, several at once, forked, and out of disk space.
#include <signal.h>
#include <sys/resource.h>

#include "catch.h"
#include "child.h"
#include "lmtx/detail/random.h"
#include "lmtx/teacher/judgment_store.h"
#include "temporary_folder.h"

namespace {

using namespace lmtx;
namespace fs = std::filesystem;

const std::vector<LabelToJudge> three_labels = {{"cat", "Cats", ""}, {"dog", "Dogs", ""}, {"eel", "Eels", ""}};

// Question and verdicts number i, as every process knows them.
template <typename Use>
auto with_question(int64_t i, Use use) {
  const std::string uid = std::string("d").append(std::to_string(i));
  return use(Question{.uid = uid, .title = uid, .content = "Content", .labels = three_labels});
}

std::vector<Verdict> verdicts_of(int64_t i) { return {Verdict::score(1.0 / static_cast<double>(i + 1)), Verdict::abstain(), Verdict::no()}; }

void put(JudgmentStore& store, int64_t i) {
  with_question(i, [&](const Question& question) { store.put("llm/1", question, verdicts_of(i)); });
}

// How many of the labels of question i are there, each with the right verdict.
int64_t count_found(const JudgmentStore& store, int64_t i) {
  const auto found = with_question(i, [&](const Question& question) { return store.find("llm/1", question); });
  int64_t count = 0;
  for (size_t label = 0; label < found.size(); ++label) count += found[label] && found[label]->verdict == verdicts_of(i)[label];
  return count;
}

}  // namespace

TEST_CASE("kill -9 loses nothing whose put() had returned") {
  const TemporaryFolder folder;
  const fs::path file = folder / "judgments.db";
  detail::KeyedRandom random(5);
  int64_t first = 0;
  for (int round = 0; round < 6; ++round) {
    Child child([&](int output) {
      JudgmentStore store = JudgmentStore::open(file);
      for (int64_t i = first;; ++i) {
        put(store, i);
        if (write(output, &i, sizeof i) < 0) return;
      }
    });
    int64_t last = first - 1;
    const int64_t enough = first + 20 + random.below(400);
    while (last < enough && child.read_value(last)) continue;
    REQUIRE(last == enough);
    child.kill_now();
    while (child.read_value(last)) continue;

    const JudgmentStore store = JudgmentStore::open(file);
    int64_t num_found = 0;
    for (int64_t i = 0; i <= last; ++i) num_found += count_found(store, i);
    CHECK(num_found == 3 * (last + 1));
    // The one in flight is there whole or not at all.
    const int64_t in_flight = count_found(store, last + 1);
    CHECK((in_flight == 0 || in_flight == 3));
    CHECK(store.size() == num_found + in_flight);
    first = last + 1;
  }
}

TEST_CASE("processes may make and fill one store at once") {
  const TemporaryFolder folder;
  for (int round = 0; round < 5; ++round) {
    const fs::path file = folder / std::string("judgments-").append(std::to_string(round));
    constexpr int64_t num_processes = 4, num_questions = 60;
    std::vector<std::unique_ptr<Child>> children;
    for (int64_t process = 0; process < num_processes; ++process) {
      // Neighbours share half of their questions.
      children.push_back(std::make_unique<Child>([&](int) {
        JudgmentStore store = JudgmentStore::open(file);
        for (int64_t i = 0; i < num_questions; ++i) {
          const int64_t question = process * num_questions / 2 + i;
          put(store, question);
          if (count_found(store, question) != 3) throw std::runtime_error("what was put is not found");
        }
      }));
    }
    for (const auto& child : children) {
      CHECK(child->read_rest() == "");
      CHECK(child->wait_for_end() == 0);
    }
    const JudgmentStore store = JudgmentStore::open(file);
    CHECK(store.size() == 3 * num_questions / 2 * (num_processes + 1));
  }
}

TEST_CASE("a process that opens its store once more keeps others from taking away the log that it writes to") {
  const TemporaryFolder folder;
  const fs::path file = folder / "judgments.db";
  Child first([&](int output) {
    JudgmentStore store = JudgmentStore::open(file);
    put(store, 0);
    JudgmentStore::open(file);
    if (write(output, "1", 1) < 0) return;
    while (!fs::exists(folder / "go on")) usleep(1000);
    put(store, 1);
    if (write(output, "2", 1) < 0) return;
    pause();
  });
  char step = 0;
  REQUIRE(first.read_value(step));
  // The last one to close a store moves the log into it.
  Child second([&](int) {
    JudgmentStore store = JudgmentStore::open(file);
    put(store, 2);
  });
  CHECK(second.wait_for_end() == 0);
  folder.write("go on", "");
  REQUIRE(first.read_value(step));
  first.kill_now();
  const JudgmentStore store = JudgmentStore::open(file);
  for (const int64_t i : {0, 1, 2}) CHECK(count_found(store, i) == 3);
}

TEST_CASE("a store that is open at a fork() refuses to work in the child, opened again or not, and goes on in the parent") {
  const TemporaryFolder folder;
  const fs::path file = folder / "judgments.db";
  std::optional<JudgmentStore> store(JudgmentStore::open(file));
  put(*store, 0);
  const auto expected = StartsWith(file.string() + ": the process that forked this one had the judgment store open");
  const auto message = [&](const std::function<void()>& use) { return Child([&](int) { use(); }).read_rest(); };
  CHECK_THAT(message([&] { count_found(*store, 0); }), expected);
  CHECK_THAT(message([&] { JudgmentStore::open(file); }), expected);
  // Another file, and the same one where it was closed before, are none of its business.
  CHECK(message([&] { JudgmentStore::open(folder / "other.db"); }) == "");
  CHECK_THAT(message([&] { put(*store, 1); }), expected);
  CHECK(Child([&](int) { store.reset(); }).wait_for_end() == 0);
  put(*store, 1);
  CHECK(count_found(*store, 0) == 3);
  CHECK(store->size() == 6);
  store.reset();
  CHECK(message([&] { JudgmentStore::open(file); }) == "");
}

TEST_CASE("a full disk costs the put() that meets it and no other") {
  const TemporaryFolder folder;
  const fs::path file = folder / "judgments.db";
  // A limit on the size of files stands for the disk.
  Child child([&](int output) {
    JudgmentStore store = JudgmentStore::open(file);
    signal(SIGXFSZ, SIG_IGN);
    rlimit limit{};
    getrlimit(RLIMIT_FSIZE, &limit);
    const rlim_t before = limit.rlim_cur;
    limit.rlim_cur = 300'000;
    setrlimit(RLIMIT_FSIZE, &limit);
    int64_t num_put = 0;
    try {
      for (; num_put < 10'000; ++num_put) put(store, num_put);
    } catch (const std::exception& error) {
      const std::string message = error.what();
      limit.rlim_cur = before;
      setrlimit(RLIMIT_FSIZE, &limit);
      put(store, num_put);
      for (int64_t i = 0; i <= num_put; ++i) {
        if (count_found(store, i) != 3) throw std::runtime_error("a judgment is gone");
      }
      if (store.size() != 3 * (num_put + 1)) throw std::runtime_error("half a question is there");
      if (write(output, message.data(), message.size()) < 0) throw;
    }
  });
  // Newer releases of SQLite do not pass on what the system said.
  CHECK_THAT(child.read_rest(), ContainsSubstring(file.string() + ": disk I/O error"));
  CHECK(child.wait_for_end() == 0);
}
