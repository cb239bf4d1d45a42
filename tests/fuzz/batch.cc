// Files in a folder of batches: requests, answers and lists.
#include "fuzz.h"
#include "lmtx/teacher/batch_file_oracle.h"
#include "lmtx/teacher/batch_folder.h"

using namespace lmtx;
using namespace lmtx::fuzz;

namespace {

class Sink final : public AnswerSink {
 public:
  void put(const Question& question, std::span<const Verdict> verdicts, const Usage&, std::string_view) override {
    check_verdicts(question, verdicts);
    for (const Verdict& verdict : verdicts) {
      if (verdict.scored() && !(verdict.score() >= 0 && verdict.score() <= 1)) report("a score out of range");
    }
  }
  std::stop_token stop() const override { return {}; }
};

// The labels and document that the seeds are about.
const LabelToJudge labels[] = {{"l1", "Ferries", {}}, {"l2", "Tea", {}}, {"l3", "Bread", {}}};
const Question question{"d", "Title", "A document.", labels};

void judge(const fs::path& folder, int64_t labels_per_prompt) {
  Sink sink;
  BatchFileOracle::make({.folder = folder}, ChatProtocol({.model = "m", .labels_per_prompt = labels_per_prompt}))->judge(std::span(&question, 1), sink);
}

// A folder with requests for the question, made anew.
void make_folder(const fs::path& folder) {
  fs::remove_all(folder);
  judge(folder, 1);
  judge(folder, 3);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Scratch scratch;
  const fs::path folder = scratch / "batch";
  for (const char* part : {"requests", "answers", "lists"}) {
    make_folder(folder);
    fs::create_directories(folder / part);
    const fs::path file = folder / part / "00002.jsonl";
    write(file, text_of(data, size));
    expect_one_line(file, [&] {
      batch_status(folder);
      judge(folder, 1);
      judge(folder, 3);
    });
  }
  make_folder(folder);
  const fs::path output = scratch / "output.jsonl";
  write(output, text_of(data, size));
  expect_one_line(output, [&] {
    import_batch_answers(folder, output);
    judge(folder, 3);
  });
  return 0;
}
