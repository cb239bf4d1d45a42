// Whole runs without a teacher, killed at their file operations.
#include <algorithm>
#include <map>
#include <string>

#include "catch.h"
#include "faults.h"
#include "lmtx/detail/json.h"
#include "lmtx/encoder.h"
#include "lmtx/train/curriculum_trainer.h"
#include "temporary_folder.h"
#include "train/one_thread.h"
#include "train/unsupervised_fixtures.h"

using namespace lmtx;
using namespace lmtx::test;

namespace {

class TeacherlessTraining final : public Job {
 public:
  explicit TeacherlessTraining(const std::string& method) : options_(tiny_unsupervised_options(method)), base_(make_base(files_ / "model")) {
    reset();
    const End end = start(*this);
    INFO(end.message);
    REQUIRE(end.code == 0);
    expected_ = outcome();
  }

  fs::path folder() const override { return files_ / "run"; }
  void reset() override { fs::remove_all(folder()); }
  void work() override {
    CurriculumTrainer(base_, Corpus::from_documents(titled_documents(30)), topic_labels(), nullptr, options_, {.folder = folder(), .store = {}, .budget = {}})
        .run();
  }
  void check_done() override { check_same(outcome(), expected_); }

 private:
  static Encoder make_base(const fs::path& folder) {
    make_tiny_model(folder);
    return Encoder::load(folder);
  }

  // All but the run's name.
  std::map<std::string, std::string> outcome() const {
    auto files = everything_in(folder());
    auto run = detail::parse_json(files.at("run.json"), "run.json");
    run.erase("run");
    run.erase("checksum");
    files.at("run.json") = run.dump();
    return files;
  }

  const OneThread one_thread_;
  const TemporaryFolder files_{fast_folder()};
  const TrainerOptions options_;
  const Encoder base_;
  std::map<std::string, std::string> expected_;
};

}  // namespace

TEST_CASE("A run without a teacher that is killed at a file operation ends with the same bytes, and leaves nothing else") {
  TeacherlessTraining training(GENERATE("maclr", "rts"));
  const auto operations = operations_of(training);
  check_kills(training, "cut", some(operations, 16));
  check_kills(training, "kill", some(operations, 32, 1));
}

TEST_CASE("A run without a teacher that is killed at whichever file operation ends with the same bytes", "[.long]") {
  TeacherlessTraining training(GENERATE("maclr", "rts"));
  const auto operations = operations_of(training);
  check_kills(training, "cut", every(operations));
  check_kills(training, "kill", some(operations));
}
