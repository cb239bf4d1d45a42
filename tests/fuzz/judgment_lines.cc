// Judgments as JSON lines.
#include "fuzz.h"
#include "lmtx/teacher/judgment_store.h"

using namespace lmtx;
using namespace lmtx::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Scratch scratch;
  const fs::path file = scratch / "judgments.jsonl", imported = scratch / "judgments.db";
  for (const char* end : {"", "-wal", "-shm"}) fs::remove(imported.string() + end);
  write(file, text_of(data, size));
  expect_one_line(file, [&] {
    JudgmentStore store = JudgmentStore::open(imported);
    store.import_json_lines(file);
    if (!store.check().whole()) report("what was imported is not whole");
  });
  return 0;
}
