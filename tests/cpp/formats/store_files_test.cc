// Stores of judgments and their JSON lines: those of format 2 go on being read, and damaged ones are refused.
#include "store_files.h"

#include "catch.h"
#include "damage.h"
#include "data.h"
#include "lmtx/detail/files.h"
#include "lmtx/detail/json.h"
#include "temporary_folder.h"

using namespace lmtx;
using namespace lmtx::test;
using detail::Json;

TEST_CASE("stores of format 2 and their JSON lines are read as they were meant") {
  const TemporaryFolder copy;
  fs::copy(formats_folder() / "v2", copy.path(), fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  const Json expected = detail::read_json(copy / "expected.json");
  CHECK(read_store_file(copy / "judgments.db") == expected);
  CHECK(read_judgment_lines(copy / "judgments.jsonl") == expected);
  CHECK(expected["lines"] == detail::read_file(copy / "judgments.jsonl"));
}

TEST_CASE("a damaged store of format 2 is refused in one line that names it, or the damage does not matter") {
  const TemporaryFolder folder;
  make_store_files(folder.path());
  const Json whole = read_store_file(folder / "judgments.db");
  const std::string bytes = detail::read_file(folder / "judgments.db");
  for (const Damaged& damaged : damaged_copies(bytes, 20, 100, 7)) {
    INFO(damaged.what);
    overwrite(folder / "judgments.db", damaged.bytes);
    try {
      const Json read = read_store_file(folder / "judgments.db");
      if (!damaged.bytes.empty()) CHECK(read == whole);
    } catch (const std::runtime_error& error) {
      check_message(error.what(), "judgments.db");
    }
  }
}

TEST_CASE("JSON lines that are cut are refused, and those with flipped bits in one line that names them, or they say something else") {
  const TemporaryFolder folder;
  make_store_files(folder.path());
  const Json whole = read_judgment_lines(folder / "judgments.jsonl");
  const std::string bytes = detail::read_file(folder / "judgments.jsonl");
  for (const Damaged& damaged : damaged_copies(bytes, 100, 200, 8)) {
    INFO(damaged.what);
    overwrite(folder / "judgments.jsonl", damaged.bytes);
    try {
      const Json read = read_judgment_lines(folder / "judgments.jsonl");
      // All but the end of the last line.
      if (damaged.bytes.size() + 1 < bytes.size()) FAIL_CHECK("it was read");
    } catch (const std::runtime_error& error) {
      check_message(error.what(), "judgments.jsonl");
    }
  }
}
