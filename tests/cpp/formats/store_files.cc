#include "store_files.h"

#include <vector>

#include "lmtx/detail/fault.h"
#include "lmtx/detail/files.h"
#include "lmtx/teacher/judgment_store.h"

namespace lmtx::test {

using detail::Json;

namespace {

const std::vector<LabelToJudge> labels = {{"cat", "Cats", ""}, {"dog", "Dogs", "Canis familiaris"}, {"eel", "Eels", ""}};

Question question_of(std::string_view uid) { return {.uid = uid, .title = uid, .content = "Ein Text mit Ä", .labels = labels}; }

Json read_usage(const UsageTotals& totals) {
  return {totals.answers, totals.usage.prompt_tokens, totals.usage.cached_tokens, totals.usage.completion_tokens, totals.usage.cost};
}

Json read_open(const JudgmentStore& store, const fs::path& scratch) {
  if (const StoreCheck check = store.check(); !check.whole()) detail::fail(store.file().string(), check.faults.front());
  Json found = Json::array();
  for (const char* identity : {"golden/1", "golden/2"}) {
    for (const char* uid : {"d1", "d2", "d3"}) {
      for (const auto& judgment : store.find(identity, question_of(uid))) {
        found.push_back(judgment ? Json{judgment->verdict.scored() ? Json(judgment->verdict.score()) : Json(), judgment->run} : Json());
      }
    }
  }
  store.export_json_lines(scratch);
  return {{"found", found}, {"all", read_usage(store.usage())}, {"run", read_usage(store.usage({}, "second"))}, {"lines", detail::read_file(scratch)}};
}

}  // namespace

void make_store_files(const fs::path& folder) {
  fs::create_directories(folder);
  JudgmentStore store = JudgmentStore::open(folder / "judgments.db");
  const Usage usage{.prompt_tokens = 300, .cached_tokens = 200, .completion_tokens = 3, .cost = 0.0125, .seconds = 0.5};
  store.put("golden/1", question_of("d1"), std::vector{Verdict::yes(), Verdict::abstain(), Verdict::score(0.1)}, usage, "first", "1: yes\n2: ?\n3: 10 %");
  store.put("golden/1", question_of("d2"), std::vector{Verdict::no(), Verdict::fail("down"), Verdict::fail("down")}, usage, "second");
  store.put("golden/2", question_of("d1"), std::vector{Verdict::score(1.0 / 3), Verdict::miss(), Verdict::no()}, {}, "second");
  store.put("golden/2", question_of("d3"), std::vector{Verdict::fail("no answer"), Verdict::fail("no answer"), Verdict::fail("no answer")}, usage, "second",
            "Well…");
  store.export_json_lines(folder / "judgments.jsonl");
}

Json read_store_file(const fs::path& file) {
  for (const char* beside : {"-wal", "-shm"}) fs::remove(file.string() + beside);
  return read_open(JudgmentStore::open(file), file.string() + ".exported");
}

Json read_judgment_lines(const fs::path& file) {
  const fs::path imported = file.string() + ".db";
  for (const char* end : {"", "-wal", "-shm"}) fs::remove(imported.string() + end);
  JudgmentStore store = JudgmentStore::open(imported);
  store.import_json_lines(file);
  return read_open(store, file.string() + ".exported");
}

}  // namespace lmtx::test
