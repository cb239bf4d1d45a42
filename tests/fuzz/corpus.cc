// Documents with their targets, and labels; plain and gzip.
#include "fuzz.h"
#include "lmtx/corpus/corpus.h"
#include "lmtx/corpus/label_set.h"
#include "lmtx/corpus/targets.h"

using namespace lmtx;
using namespace lmtx::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Scratch scratch;
  const fs::path file = scratch / "texts.jsonl";
  write(file, text_of(data, size));
  expect_one_line(file, [&] {
    const Corpus corpus = Corpus::open(file);
    const auto reader = corpus.read();
    int64_t count = 0;
    for (Document document; reader->next(document);) ++count;
    if (count != corpus.size()) report("another number of documents at the second reading");
  });
  expect_one_line(file, [&] { read_targets(file, 100); });
  expect_one_line(file, [&] {
    const LabelSet labels = LabelSet::open(file);
    labels.save(scratch / "saved.jsonl");
    if (LabelSet::open(scratch / "saved.jsonl").fingerprint() != labels.fingerprint()) report("other labels after they were saved");
  });
  return 0;
}
