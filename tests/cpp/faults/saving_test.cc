// What is saved on request, disturbed at its file operations: afterwards the older one is there, or the new one.
#include <ATen/ops/randn.h>

#include <algorithm>
#include <functional>

#include "catch.h"
#include "faults.h"
#include "lmtx/encoder.h"
#include "lmtx/eval/calibration.h"
#include "lmtx/eval/combination.h"
#include "lmtx/search/label_index.h"
#include "lmtx/tagger.h"
#include "lmtx/teacher/judgment_store.h"
#include "temporary_folder.h"
#include "train/one_thread.h"
#include "train/trainer_fixtures.h"

using namespace lmtx;
using namespace lmtx::test;

namespace {

// Saves something under a name where nothing is yet, or something older.
class Saving final : public Job {
 public:
  using Save = std::function<void(const fs::path& target)>;
  // Opens what is there and gives what tells the two apart.
  using Look = std::function<std::string(const fs::path& target)>;

  Saving(Save older, Save newer, Look look) : older_(std::move(older)), newer_(std::move(newer)), look_(std::move(look)) {
    reset();
    before_ = seen();
    const End end = start(*this);
    INFO(end.message);
    REQUIRE(end.code == 0);
    after_ = seen();
    REQUIRE(before_ != after_);
    expected_ = everything_in(folder());
  }

  fs::path folder() const override { return files_ / "folder"; }
  void reset() override {
    fs::remove_all(folder());
    fs::create_directories(folder());
    if (older_) older_(target());
  }
  void work() override { newer_(target()); }
  void check_disturbed() override {
    const std::string there = seen();
    REQUIRE((there == before_ || there == after_));
  }
  // Nothing is left beside it either.
  void check_done() override {
    REQUIRE(seen() == after_);
    check_same(everything_in(folder()), expected_);
  }

 private:
  fs::path target() const { return folder() / "target"; }
  std::string seen() const { return fs::exists(target()) ? look_(target()) : "nothing"; }

  const OneThread one_thread_;
  const TemporaryFolder files_{fast_folder()};
  const Save older_, newer_;
  const Look look_;
  std::string before_, after_;
  std::map<std::string, std::string> expected_;
};

// At one in `n` of its file operations.
void check_faults(Job& job, size_t n) {
  const auto operations = operations_of(job);
  size_t first = 0;
  for (const char* action : {"kill", "cut"}) check_kills(job, action, some(operations, n, first++));
  for (const char* error : {"ENOSPC", "EROFS", "EIO", "EACCES"}) {
    for (const char* action : {"fail", "last"}) check_errors(job, action, error, some(operations, n, first++));
  }
  check_short_writes(job, some(operations, n, first));
}

Encoder tiny_encoder() {
  const TemporaryFolder folder;
  make_tiny_model(folder / "model");
  return Encoder::load(folder / "model");
}

LabelSet few_labels(int64_t count) {
  const auto labels = topic_labels().labels();
  return LabelSet({labels.begin(), labels.begin() + count});
}

// In the tests below: also over an older one.
Saving saving(const Saving::Save& older, const Saving::Save& newer, const Saving::Look& look) { return {GENERATE(false, true) ? older : nullptr, newer, look}; }

}  // namespace

namespace {

Saving saving_tagger() {
  const Encoder encoder = tiny_encoder();
  const auto saves = [&](int64_t labels) {
    const TaggerSettings settings{.search_length = 16, .label_length = 8, .document_prompt = {}, .label_prompt = {}};
    return [tagger = Tagger::from_labels(encoder, few_labels(labels), settings)](const fs::path& target) { tagger.save(target, "{}"); };
  };
  return saving(saves(3), saves(5), [](const fs::path& target) { return std::to_string(Tagger::load(target).labels().size()); });
}

}  // namespace

TEST_CASE("A tagger that is saved is there whole, or the older one is") {
  Saving job = saving_tagger();
  check_faults(job, 16);
}

TEST_CASE("A tagger is there whole, or the older one is, whichever file operation of its saving is disturbed", "[.long]") {
  Saving job = saving_tagger();
  check_faults(job, 1);
}

TEST_CASE("An encoder that is saved is there whole, or the older one is") {
  const Encoder encoder = tiny_encoder();
  const auto saves = [&](int64_t max_length) { return [encoder, max_length](const fs::path& target) { encoder.save(target, max_length); }; };
  Saving job = saving(saves(8), saves(16), [](const fs::path& target) { return std::to_string(Encoder::load(target).max_length()); });
  check_faults(job, 8);
}

TEST_CASE("A label index that is saved can be searched, or the older one can") {
  const LabelIndex one = LabelIndex::build(at::randn({5, 4})), two = one.with_added(at::randn({2, 4}), std::vector<int64_t>{5, 6});
  const auto saves = [](const LabelIndex& index) { return [index](const fs::path& target) { index.save(target); }; };
  Saving job = saving(saves(one), saves(two), [](const fs::path& target) { return std::to_string(LabelIndex::load(target).num_labels()); });
  check_faults(job, 2);
}

TEST_CASE("A recording that is exported is there whole, or the older one is") {
  const TemporaryFolder folder;
  const auto saves = [&](int64_t documents) {
    return [file = folder / "judgments.db", documents](const fs::path& target) {
      JudgmentStore store = JudgmentStore::open(file);
      const std::string identity = std::to_string(documents);
      const std::vector<LabelToJudge> label = {{"t", "topic", ""}};
      for (int64_t i = 0; i < documents; ++i) {
        const std::string uid = std::to_string(i);
        store.put(identity, {uid, uid, "", label}, std::vector<Verdict>{Verdict::yes()});
      }
      store.export_recording(identity, target);
    };
  };
  Saving job = saving(saves(2), saves(3), [](const fs::path& target) { return detail::read_file(target); });
  check_faults(job, 1);
}

TEST_CASE("A calibration or combination that is saved is there whole, or the older one is") {
  const auto calibrates = [](double rate) { return [rate](const fs::path& target) { Calibration::shift(std::vector{0.2, 0.7}, rate).save(target); }; };
  Saving calibration = saving(calibrates(0.1), calibrates(0.2), [](const fs::path& target) { return Calibration::load(target).identity(); });
  check_faults(calibration, 1);
  const auto combines = [](double weight) { return [weight](const fs::path& target) { Combination::mean(std::vector{weight}).save(target); }; };
  Saving combination(combines(1), combines(2), [](const fs::path& target) { return Combination::load(target).identity(); });
  check_faults(combination, 1);
}

TEST_CASE("Labels that are saved are there whole, or the older ones are") {
  const auto saves = [](int64_t labels) { return [labels](const fs::path& target) { few_labels(labels).save(target); }; };
  Saving job = saving(saves(3), saves(5), [](const fs::path& target) { return std::to_string(LabelSet::open(target).size()); });
  check_faults(job, 1);
}

TEST_CASE("Where folders cannot be exchanged, an older one is replaced in two steps") {
  const Encoder encoder = tiny_encoder();
  const auto saves = [&](int64_t max_length) { return [encoder, max_length](const fs::path& target) { encoder.save(target, max_length); }; };
  Saving job(saves(8), saves(16), [](const fs::path& target) { return std::to_string(Encoder::load(target).max_length()); });
  const auto operations = operations_of(job);
  const auto exchange = static_cast<int64_t>(operations.rend() - std::find(operations.rbegin(), operations.rend(), "rename target"));
  job.reset();
  const End end = start(job, {.action = "fail", .error = "EINVAL", .at = exchange});
  INFO(end.message);
  REQUIRE(end.code == 0);
  job.check_done();
}
