// Files that earlier versions of LMTX wrote go on being read. tests/formats/v1 holds those of the first format of each; `lmtx_make_formats` made them.
#include "catch.h"
#include "data.h"
#include "lmtx/detail/files.h"
#include "temporary_folder.h"
#include "train/one_thread.h"
#include "valid_files.h"

using namespace lmtx;
using namespace lmtx::test;
using detail::Json;

namespace {

// Numbers were computed on some machine; the last bits may be others here.
void check_alike(const Json& found, const Json& expected, const std::string& where) {
  INFO(where);
  if (expected.is_number_float() || found.is_number_float()) {
    REQUIRE(found.is_number());
    CHECK(found.get<double>() == Approx(expected.get<double>()).margin(1e-5));
  } else if (expected.is_structured()) {
    REQUIRE(found.size() == expected.size());
    auto item = found.begin();
    for (const auto& [key, value] : expected.items()) check_alike(*item++, value, where + "." + key);
  } else {
    CHECK(found == expected);
  }
}

}  // namespace

TEST_CASE("files of the first formats are read as they were meant") {
  const OneThread one_thread;
  const TemporaryFolder copy;
  fs::copy(formats_folder() / "v1", copy.path(), fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  const Json expected = detail::read_json(copy / "expected.json");
  for (const Format& format : formats()) check_alike(format.read(copy.path()), expected.at(format.name), format.name);
}

TEST_CASE("a run that an earlier version began goes on to its end") {
  const OneThread one_thread;
  const TemporaryFolder copy;
  fs::copy(formats_folder() / "v1", copy.path(), fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  const TrainingReport report = trainer_in(copy.path(), copy / "run").run();
  CHECK(report.cycles.size() == 2);
  CHECK(report.total.judgments == trainer_in(copy.path(), copy / "finished").run().total.judgments);
}
