#include "lmtx/train/work_folder.h"

#include "catch.h"
#include "child.h"
#include "trainer_fixtures.h"

using namespace lmtx;
using namespace lmtx::test;

namespace {

RunManifest manifest() {
  return {.run = {},
          .teacher = "scripted/1",
          .base = "b",
          .documents = "d",
          .labels = "l",
          .store = {},
          .budget = {.judgments = 100},
          .options = {.cycles = 2, .learning_rate = 1e-4},
          .torch = "2.13.0",
          .threads = 2};
}

}  // namespace

TEST_CASE("A run goes on with what it was begun with") {
  const Folder folder("work");
  const WorkFolder work(folder / "run");
  work.check_usable();
  REQUIRE_FALSE(work.manifest());
  const auto lock = work.lock();
  const RunManifest begun = work.begin(manifest());
  REQUIRE(begun.run.size() == 32);
  RunManifest again = manifest();
  again.threads = 7;
  const RunManifest resumed = work.begin(again);
  REQUIRE(resumed.run == begun.run);
  REQUIRE(resumed.threads == 2);
  REQUIRE(resumed.options == manifest().options);
  REQUIRE(resumed.budget.judgments == 100);
}

TEST_CASE("A run with other settings is refused, naming each") {
  const Folder folder("work-differences");
  const WorkFolder work(folder / "run");
  const auto lock = work.lock();
  work.begin(manifest());
  RunManifest other = manifest();
  other.options.epochs = 3;
  other.options.learning_rate = 2e-4;
  other.budget.judgments.reset();
  other.teacher = "another";
  other.labels = "m";
  REQUIRE(differences(manifest(), other) == std::vector<std::string>{
                                                "`epochs` is 1 there, but 3 was given",
                                                "`learning_rate` is 0.0001 there, but 0.0002 was given",
                                                "the budget is 100 judgments there, but without limit was given",
                                                "the teacher is 'scripted/1' there, but 'another' was given",
                                                "the fingerprint of the labels is l there, but m was given",
                                            });
  REQUIRE_THROWS_AS(work.begin(other), std::invalid_argument);
  REQUIRE_THROWS_WITH(work.begin(other), ContainsSubstring((folder / "run").string()) && ContainsSubstring("`epochs` is 1 there, but 3 was given; `learning_rate`"));
  REQUIRE_NOTHROW(work.begin(manifest()));
}

TEST_CASE("A run that began with the old default of the search's token budget goes on with the new one") {
  RunManifest started = manifest(), given = manifest();
  started.options.search_token_budget = 4096;
  CHECK(differences(started, given).empty());
  CHECK(differences(given, started) == std::vector<std::string>{"`search_token_budget` is 0 there, but 4096 was given"});
  given.options.search_token_budget = 8192;
  CHECK(differences(started, given) == std::vector<std::string>{"`search_token_budget` is 4096 there, but 8192 was given"});
}

TEST_CASE("A second user of the folder is kept out") {
  const Folder folder("work-lock");
  const WorkFolder work(folder / "run");
  const auto lock = work.lock();
  REQUIRE_THROWS_WITH(work.lock(), ContainsSubstring("Another process is running in the work folder") && ContainsSubstring((folder / "run").string()));
}

TEST_CASE("The folder of a run that was killed is free, whatever processes it left behind") {
  const Folder folder("work-killed");
  const WorkFolder work(folder / "run");
  Child first([&](int output) {
    const auto lock = work.lock();
    if (const pid_t helper = ::fork() == 0 ? ::getpid() : 0; helper != 0 && ::write(output, &helper, sizeof helper) < 0) return;
    ::pause();
  });
  pid_t helper = 0;
  REQUIRE(first.read_value(helper));
  CHECK_THROWS_WITH(work.lock(), ContainsSubstring("Another process is running in the work folder"));
  first.kill_now();
  CHECK_NOTHROW(work.lock());
  REQUIRE(::kill(helper, SIGKILL) == 0);
}

TEST_CASE("Folders that no run can live in are refused") {
  const Folder folder("work-usable");
  detail::write_file_atomically(folder / "file", "x");
  REQUIRE_THROWS_WITH(WorkFolder("").check_usable(), ContainsSubstring("path is empty"));
  REQUIRE_THROWS_WITH(WorkFolder(folder / "file").check_usable(), ContainsSubstring("is a file"));
  REQUIRE_THROWS_WITH(WorkFolder(folder / "").check_usable(), ContainsSubstring("holds no run, but other things ('file')"));
  const WorkFolder locked(folder / "locked");
  { const auto lock = locked.lock(); }
  REQUIRE_NOTHROW(locked.check_usable());
}

TEST_CASE("A run of a newer format, or a broken one, is refused in one sentence") {
  const Folder folder("work-format");
  fs::create_directories(folder / "run");
  detail::write_file_atomically(folder / "run/run.json", R"({"format": 2})");
  REQUIRE_THROWS_WITH(WorkFolder(folder / "run").manifest(), ContainsSubstring("run.json has format 2, but this LMTX reads formats up to 1."));
  detail::write_file_atomically(folder / "run/run.json", R"({"format": 1, "run")");
  REQUIRE_THROWS_WITH(WorkFolder(folder / "run").manifest(), ContainsSubstring("run.json"));
}

TEST_CASE("What a kill left behind is removed when the run goes on") {
  const Folder folder("work-leftovers");
  const WorkFolder work(folder / "run");
  const auto lock = work.lock();
  work.begin(manifest());
  detail::write_file_atomically(work.cycle(0) / "asked.writing-1", "half");
  fs::create_directories(work.cycle(0) / "student.writing-1");
  detail::write_file_atomically(folder / "run/documents.tokens.writing-1", "half");
  work.begin(manifest());
  REQUIRE(fs::is_empty(work.cycle(0)));
  REQUIRE_FALSE(fs::exists(folder / "run/documents.tokens.writing-1"));
}
