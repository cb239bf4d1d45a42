// What a store says of itself: checks, sums, older formats, and stores that are only read.
#include <unistd.h>

#include "catch.h"
#include "child.h"
#include "store_fixtures.h"
#include "temporary_folder.h"

using namespace lmtx;
using namespace lmtx::test;

namespace {

fs::path make_store(const TemporaryFolder& folder, StoreModel& model) {
  JudgmentStore store = JudgmentStore::open(folder / "judgments.db");
  fill(store, model, 100, "run", 3);
  return folder / "judgments.db";
}

std::string first_fault(const fs::path& file) {
  const StoreCheck check = JudgmentStore::open(file).check();
  CHECK(check.whole() == check.faults.empty());
  return check.whole() ? "none" : check.faults.front();
}

}  // namespace

TEST_CASE("a whole store has no faults") {
  const TemporaryFolder folder;
  StoreModel model;
  const fs::path file = make_store(folder, model);
  const JudgmentStore store = JudgmentStore::open(file);
  const StoreCheck check = store.check();
  CHECK(check.whole());
  CHECK(check.judgments == static_cast<int64_t>(model.size()));
  CHECK(check.answers == store.usage().answers);
  CHECK(check.without_sum == 0);
}

TEST_CASE("check() finds what was changed in the file") {
  const TemporaryFolder folder;
  StoreModel model;
  const fs::path file = make_store(folder, model);
  const auto fault_after = [&](const char* sql) {
    run_sql(file, sql);
    return first_fault(file);
  };
  SECTION("a score") {
    CHECK_THAT(fault_after("UPDATE judgments SET score = 0.123 WHERE key = (SELECT max(key) FROM judgments)"), ContainsSubstring("is damaged."));
  }
  SECTION("a teacher") {
    CHECK_THAT(fault_after("UPDATE judgments SET teacher = 3 - teacher WHERE key = (SELECT max(key) FROM judgments)"), ContainsSubstring("is damaged."));
  }
  SECTION("what an answer cost") { CHECK_THAT(fault_after("UPDATE answers SET cost = cost + 1 WHERE id = 5"), ContainsSubstring("the answer for document `")); }
  SECTION("what a teacher said") { CHECK_THAT(fault_after("UPDATE answers SET raw = 'No' WHERE id = 5"), ContainsSubstring("the answer for document `")); }
  SECTION("an answer that is gone") {
    CHECK(fault_after("DELETE FROM answers WHERE id = (SELECT min(answer) FROM judgments)") ==
          "a row of `judgments` belongs to a row of `answers` that is not there.");
  }
  SECTION("a key of another length") {
    CHECK_THAT(fault_after("UPDATE judgments SET key = x'00' WHERE key = (SELECT max(key) FROM judgments)"),
               ContainsSubstring("a key has 1 bytes, but must have 16."));
  }
  SECTION("a hundred and more") {
    run_sql(file, "UPDATE judgments SET score = 0.123");
    CHECK(JudgmentStore::open(file).check().faults.size() == 100);
  }
}

TEST_CASE("check() finds rows out of order, which opening passes over") {
  const TemporaryFolder folder;
  StoreModel model;
  const fs::path file = make_store(folder, model);
  std::string bytes = read_bytes(file);
  // The highest bit of a key's first byte, somewhere in a leaf.
  JudgmentStore::open(file).export_json_lines(folder / "all.jsonl");
  const std::string lines = read_bytes(folder / "all.jsonl");
  const std::string hex_key = lines.substr(lines.find("\"key\":\"") + 7, 32);
  std::string key;
  for (size_t i = 0; i < 32; i += 2) key += static_cast<char>(std::stoi(hex_key.substr(i, 2), nullptr, 16));
  const size_t place = bytes.find(key);
  REQUIRE(place != std::string::npos);
  bytes[place] = static_cast<char>(bytes[place] ^ 0x80);
  folder.write("judgments.db", bytes);
  CHECK(first_fault(file) != "none");
}

TEST_CASE("usage adds up by teacher and by run, and counts answers that said nothing") {
  const TemporaryFolder folder;
  JudgmentStore store = JudgmentStore::open(folder / "judgments.db");
  const LabelToJudge label{"cat", "Cats", ""};
  const auto put = [&](const char* identity, const char* uid, const Verdict& verdict, int64_t tokens, const char* run) {
    store.put(identity, {.uid = uid, .title = uid, .content = "", .labels = std::span(&label, 1)}, std::vector{verdict}, {.prompt_tokens = tokens, .cost = 0.5},
              run);
  };
  put("llm/1", "d1", Verdict::yes(), 1, "a");
  put("llm/1", "d2", Verdict::no(), 10, "b");
  put("llm/2", "d1", Verdict::abstain(), 100, "a");
  put("llm/2", "d2", Verdict::fail("down"), 1000, "a");
  // Put again, it was paid for once.
  put("llm/1", "d1", Verdict::no(), 10'000, "a");
  CHECK(store.usage().usage.prompt_tokens == 1111);
  CHECK(store.usage().answers == 4);
  CHECK(store.usage("llm/1").usage.prompt_tokens == 11);
  CHECK(store.usage("llm/2", "a").usage.prompt_tokens == 1100);
  CHECK(store.usage("llm/2", "b").answers == 0);
  CHECK(store.usage_of_run("a").prompt_tokens == 1101);
  CHECK(store.usage_of_run("a").cost == 1.5);
  CHECK(store.usage_of_run("none").prompt_tokens == 0);
  CHECK(store.size() == 3);
}

TEST_CASE("teachers are listed with what they said") {
  const TemporaryFolder folder;
  StoreModel model;
  const JudgmentStore store = JudgmentStore::open(make_store(folder, model));
  const std::vector<TeacherSummary> teachers = store.teachers();
  REQUIRE(teachers.size() == 2);
  for (const TeacherSummary& teacher : teachers) {
    int64_t judgments = 0, abstained = 0, yes = 0;
    for (const auto& [texts, judgment] : model) {
      if (texts[0] != teacher.identity) continue;
      ++judgments;
      abstained += !judgment.verdict.scored();
      yes += judgment.verdict.scored() && judgment.verdict.score() >= 0.5;
    }
    CHECK(teacher.judgments == judgments);
    CHECK(teacher.abstained == abstained);
    CHECK(teacher.yes == yes);
    CHECK(teacher.yes_rate() == static_cast<double>(yes) / static_cast<double>(judgments - abstained));
    CHECK(teacher.totals.answers == store.usage(teacher.identity).answers);
    CHECK(teacher.first_time <= teacher.last_time);
  }
}

TEST_CASE("many questions at once find what one after the other finds") {
  const TemporaryFolder folder;
  StoreModel model;
  const JudgmentStore store = JudgmentStore::open(make_store(folder, model));
  // Enough for several threads.
  constexpr int64_t num_questions = 4000;
  std::vector<std::string> uids, titles;
  std::vector<LabelToJudge> labels;
  for (const char* name : {"Cat", "Dog", "Eel", "Fox", "Gnu", "Ü", "Nobody"}) labels.push_back({name, name, ""});
  std::vector<Question> questions;
  for (int64_t i = 0; i < num_questions; ++i) {
    const auto pick = [&](std::initializer_list<const char*> items) { return items.begin()[static_cast<size_t>(i / 3) % items.size()]; };
    questions.push_back({.uid = "d",
                         .title = pick({"", "a", "ab", "b"}),
                         .content = pick({"", "b", "c", "long content", "é"}),
                         .labels = std::span(labels).first(static_cast<size_t>(i % 8))});
  }
  const auto found = store.find("llm/1", questions);
  REQUIRE(found.size() == questions.size());
  int64_t num_found = 0;
  for (size_t i = 0; i < found.size(); i += 7) {
    const auto alone = store.find("llm/1", questions[i]);
    REQUIRE(found[i].size() == alone.size());
    for (size_t j = 0; j < alone.size(); ++j) {
      REQUIRE(found[i][j].has_value() == alone[j].has_value());
      if (alone[j]) REQUIRE(found[i][j]->verdict == alone[j]->verdict);
      num_found += alone[j].has_value();
    }
  }
  CHECK(num_found > 500);
  CHECK(store.find("llm/1", std::span<const Question>()).empty());
}

TEST_CASE("a store of format 1 is brought to format 2 once, and nothing in it changes") {
  const TemporaryFolder folder;
  StoreModel model;
  const fs::path file = make_store(folder, model);
  run_sql(file, "DELETE FROM answers WHERE id NOT IN (SELECT answer FROM judgments); UPDATE answers SET raw = NULL");
  const auto usage_before = JudgmentStore::open(file).usage("llm/1");
  to_format_1(file);
  SECTION("with checksums") {}
  SECTION("and without") { run_sql(file, "ALTER TABLE judgments DROP COLUMN sum"); }
  JudgmentStore store = JudgmentStore::open(file);
  check_holds(store, model);
  CHECK(store.usage("llm/1").answers == usage_before.answers);
  CHECK(store.usage("llm/1").usage.prompt_tokens == usage_before.usage.prompt_tokens);
  CHECK(store.check().whole());
  fill(store, model, 50, "later", 4);
  check_holds(store, model);
  CHECK(store.check().whole());
}

TEST_CASE("of several processes that open a store of format 1 one brings it up, and all go on") {
  const TemporaryFolder folder;
  StoreModel model;
  const fs::path file = make_store(folder, model);
  for (int round = 0; round < 5; ++round) {
    to_format_1(file);
    std::vector<std::unique_ptr<Child>> children;
    for (int i = 0; i < 4; ++i) {
      children.push_back(std::make_unique<Child>([&](int) {
        const JudgmentStore store = JudgmentStore::open(file);
        for (const auto& [texts, judgment] : model) {
          if (!find_pair(store, texts)) throw std::runtime_error("a judgment is gone");
        }
      }));
    }
    for (const auto& child : children) {
      CHECK(child->read_rest() == "");
      CHECK(child->wait_for_end() == 0);
    }
    CHECK(first_fault(file) == "none");
  }
}

TEST_CASE("a store that is only read is left as it is, whatever its format") {
  const TemporaryFolder folder;
  StoreModel model;
  const fs::path file = make_store(folder, model);
  bool is_old = true;
  SECTION("format 2") { is_old = false; }
  SECTION("format 1") { to_format_1(file); }
  SECTION("format 1 without checksums") {
    to_format_1(file);
    run_sql(file, "ALTER TABLE judgments DROP COLUMN sum");
  }
  const std::string before = read_bytes(file);
  {
    JudgmentStore store = JudgmentStore::open_read_only(file);
    check_holds(store, model);
    CHECK(store.identities() == std::vector<std::string>{"llm/1", "llm/2"});
    const LabelToJudge label{"cat", "Cats", ""};
    CHECK_THROWS_WITH(store.put("llm/1", {.uid = "d", .title = "", .content = "", .labels = std::span(&label, 1)}, std::vector{Verdict::yes()}),
                      file.string() + ": the judgment store was opened for reading only.");
    CHECK_THROWS_AS(store.merge_from(store), std::runtime_error);
    CHECK_THROWS_AS(store.flush(), std::runtime_error);
    if (is_old) CHECK_THROWS_WITH(store.teachers(), ContainsSubstring("judgments.db: the judgment store has format 1, and was opened for reading only;"));
    if (!is_old) CHECK(store.check().whole());
  }
  CHECK(read_bytes(file) == before);
}

TEST_CASE("a store is read where nothing can be written, and what is none is refused") {
  const TemporaryFolder folder;
  StoreModel model;
  const fs::path file = make_store(folder, model);
  fs::create_directory(folder / "locked % ?");
  const fs::path locked = folder / "locked % ?" / "a#b.db";
  fs::copy_file(file, locked);
  fs::permissions(folder.path(), fs::perms(0755));
  fs::permissions(locked, fs::perms(0444));
  fs::permissions(locked.parent_path(), fs::perms(0555));
  // Permissions do not bind root.
  const bool is_root = geteuid() == 0;
  const auto as_nobody = [&](const std::function<void()>& work) {
    return Child([&](int) {
             if (is_root && setuid(65534) != 0) throw std::runtime_error("cannot become nobody");
             work();
           })
        .read_rest();
  };
  CHECK(as_nobody([&] {
          const JudgmentStore store = JudgmentStore::open_read_only(locked);
          for (const auto& [texts, judgment] : model) {
            if (!find_pair(store, texts)) throw std::runtime_error("a judgment is gone");
          }
          if (!store.check().whole()) throw std::runtime_error("it has faults");
        }) == "");
  fs::permissions(locked.parent_path(), fs::perms(0755));
  CHECK_THROWS_WITH(JudgmentStore::open_read_only(folder / "none.db"), ContainsSubstring("none.db: unable to open database file"));
  CHECK_THROWS_WITH(JudgmentStore::open_read_only(folder.write("empty.db", "")),
                    ContainsSubstring("empty.db: an empty database, but no judgment store of LMTX."));
  CHECK_THROWS_WITH(JudgmentStore::open_read_only(folder.write("text.db", std::string(200, 'x'))),
                    ContainsSubstring("text.db: the file is no SQLite database"));
}

TEST_CASE("what a teacher said is kept word for word, but for bytes that are no UTF-8") {
  const TemporaryFolder folder;
  JudgmentStore store = JudgmentStore::open(folder / "judgments.db");
  const LabelToJudge label{"cat", "Cats", ""};
  const Question question{.uid = "d", .title = "", .content = "", .labels = std::span(&label, 1)};
  store.put("llm/1", question, std::vector{Verdict::yes()}, {}, "", "Yes\xff\xfe, \xc3\xa4");
  CHECK_THAT(lines_of(store, folder / "all.jsonl"), ContainsSubstring("\"raw\":\"Yes\xEF\xBF\xBD\xEF\xBF\xBD, \xc3\xa4\""));
}
