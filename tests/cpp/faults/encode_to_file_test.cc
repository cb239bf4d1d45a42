// Vectors of a corpus on their way into a file, disturbed at each file operation: the same call goes on, and the file gets the same bytes.
#include "catch.h"
#include "faults.h"
#include "lmtx/detail/files.h"
#include "lmtx/encode_to_file.h"
#include "temporary_folder.h"
#include "train/one_thread.h"
#include "train/trainer_fixtures.h"

using namespace lmtx;
using namespace lmtx::test;

namespace {

// Five windows, each of them secured.
class Encoding final : public Job {
 public:
  // With `older` another file is there, and stays until the new one takes its place.
  explicit Encoding(bool older) : older_(older), encoder_(tiny_encoder()), documents_(Corpus::from_documents(topic_documents(40))) {
    reset();
    const End end = start(*this);
    INFO(end.message);
    REQUIRE(end.code == 0);
    expected_ = everything_in(folder());
    REQUIRE(expected_.size() == 1);
  }

  fs::path folder() const override { return files_ / "folder"; }
  void reset() override {
    fs::remove_all(folder());
    fs::create_directories(folder());
    if (older_) detail::write_file_atomically(target(), "older");
  }
  void work() override {
    if (!older_ && fs::exists(target()) && !fs::exists(target().string() + ".partial.json")) return;
    encode_to_file(encoder_, documents_, target(), {.encode = {.token_budget = 8}, .overwrite = older_, .window_tokens = 128, .checkpoint_seconds = 0});
  }
  // Whole, or what was there before.
  void check_disturbed() override {
    if (!older_ && !fs::exists(target())) return;
    const std::string bytes = detail::read_file(target());
    REQUIRE((bytes == expected_.at("target") || (older_ && bytes == "older")));
  }
  void check_done() override { check_same(everything_in(folder()), expected_); }

 private:
  static Encoder tiny_encoder() {
    const TemporaryFolder folder;
    make_tiny_model(folder / "model");
    return Encoder::load(folder / "model");
  }
  fs::path target() const { return folder() / "target"; }

  const bool older_;
  const OneThread one_thread_;
  const TemporaryFolder files_{fast_folder()};
  const Encoder encoder_;
  const Corpus documents_;
  std::map<std::string, std::string> expected_;
};

}  // namespace

namespace {

constexpr const char* errors[] = {"ENOSPC", "EROFS", "EIO", "EACCES"};

}  // namespace

TEST_CASE("A file of vectors has the same bytes when its making was killed or failed") {
  Encoding job(GENERATE(false, true));
  const auto operations = operations_of(job);
  size_t first = 0;
  for (const char* action : {"kill", "cut"}) check_kills(job, action, some(operations, 2, first++));
  for (const char* error : errors) {
    for (const char* action : {"fail", "last"}) check_errors(job, action, error, some(operations, 8, first++));
  }
  check_short_writes(job, some(operations, 2, first));
}

TEST_CASE("A file of vectors has the same bytes whichever of its file operations was killed, cut or failed", "[.long]") {
  Encoding job(GENERATE(false, true));
  const auto operations = operations_of(job);
  for (const char* action : {"kill", "cut"}) check_kills(job, action, every(operations));
  for (const char* error : errors) {
    for (const char* action : {"fail", "last"}) check_errors(job, action, error, every(operations));
  }
  check_short_writes(job, every(operations));
  for (const uint64_t seed : {1, 2, 3}) check_kills_in_a_row(job, seed, 40);
}

TEST_CASE("A file of vectors that is killed again and again is made in the end") {
  Encoding job(/*older=*/false);
  check_kills_in_a_row(job, 1, 40);
}
