// Judgment stores: SQLite databases.
#include "fuzz.h"
#include "lmtx/teacher/judgment_store.h"

using namespace lmtx;
using namespace lmtx::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Scratch scratch;
  const fs::path file = scratch / "judgments.db";
  for (const char* beside : {"-wal", "-shm", "-journal"}) fs::remove(file.string() + beside);
  write(file, text_of(data, size));
  expect_one_line(file, [&] {
    JudgmentStore store = JudgmentStore::open(file);
    const LabelToJudge labels[] = {{"t1", "lab", ""}, {"t2", "lac", ""}};
    const Question question{"d0", "daa", "dab daa x0", labels};
    store.find("golden/1", question);
    const Verdict verdicts[] = {Verdict::score(0.5), Verdict::abstain()};
    store.put("golden/1", question, verdicts);
    if (!store.find("golden/1", question)[0]) report("a verdict that was put is not there");
    store.size();
    store.usage({}, "run");
    store.teachers();
    store.check();
    store.export_json_lines(scratch / "exported.jsonl");
    for (const std::string& identity : store.identities()) {
      if (store.size(identity) > 0) store.export_recording(identity, scratch / "exported.jsonl");
    }
  });
  return 0;
}
