// Recorded verdicts; plain and gzip.
#include "fuzz.h"
#include "lmtx/teacher/recorded_oracle.h"

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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Scratch scratch;
  const fs::path file = scratch / "verdicts.jsonl";
  write(file, text_of(data, size));
  expect_one_line(file, [&] {
    const auto oracle = RecordedOracle::open(file);
    const LabelToJudge labels[] = {{"t1", "x", ""}, {"t2", "y", ""}};
    Sink sink;
    for (const std::string& uid : oracle->documents()) {
      const Question question{uid, "", "", labels};
      oracle->judge(std::span(&question, 1), sink);
    }
  });
  return 0;
}
