// Every file that LMTX reads, cut short, with flipped bits, and from a newer LMTX.
#include <string>

#include "catch.h"
#include "damage.h"
#include "lmtx/detail/digest.h"
#include "lmtx/detail/sealed_json.h"
#include "temporary_folder.h"
#include "train/one_thread.h"
#include "train/trainer_fixtures.h"
#include "valid_files.h"

using namespace lmtx;
using namespace lmtx::test;
using detail::Json;

namespace {

constexpr uint64_t memory_limit = uint64_t{1} << 30;

// Made once for all tests of this file.
const fs::path& valid_files() {
  static const TemporaryFolder folder;
  static const bool made = [] {
    make_valid_files(folder.path());
    return true;
  }();
  static_cast<void>(made);
  return folder.path();
}

// What may stay unnoticed in files that are sealed: an empty file is a new store.
bool may_differ(const std::string& file, const Damaged& damaged) { return damaged.bytes.empty() && file.ends_with(".db"); }

void check_damaged(const Format& format, const fs::path& folder, const std::string& file, const Damaged& damaged, const Json& whole) {
  INFO(file << ", " << damaged.what);
  overwrite(folder / file, damaged.bytes);
  try {
    const Json read = format.read(folder);
    // Of the others damage may make a valid file that says something else.
    if (format.sealed && !may_differ(file, damaged)) CHECK(read == whole);
  } catch (const std::runtime_error& error) {
    check_message(error.what(), file);
  } catch (const std::invalid_argument& error) {
    // An empty store has nothing to export.
    CHECK(may_differ(file, damaged));
  }
}

void check_all_damaged(size_t num_cuts, size_t num_flips) {
  const OneThread one_thread;
  const TemporaryFolder copy;
  fs::copy(valid_files(), copy.path(), fs::copy_options::recursive);
  for (const Format& format : formats()) {
    const Json whole = format.read(copy.path());
    const MemoryLimit limit(memory_limit);
    for (const std::string& file : files_of(copy.path(), format.files)) {
      const std::string bytes = detail::read_file(copy.path() / file);
      for (const Damaged& damaged : damaged_copies(bytes, num_cuts, num_flips, detail::random_key(1, file))) check_damaged(format, copy.path(), file, damaged, whole);
      overwrite(copy.path() / file, bytes);
    }
    CHECK(format.read(copy.path()) == whole);
  }
}

}  // namespace

TEST_CASE("a damaged file is refused in one line that names it, or the damage does not matter") { check_all_damaged(10, 15); }

TEST_CASE("every file cut at 200 places and with 400 bits flipped is refused in one line, or the damage does not matter", "[.long]") { check_all_damaged(200, 400); }

namespace {

// What a run came to: all but the name that is drawn, the store's rows, which have times, and logs.
std::map<std::string, std::string> outcome(const fs::path& run) {
  std::map<std::string, std::string> files;
  for (const char* file : {"report.json", "cycle-0/measured", "cycle-1/asked", "cycle-1/measured"}) files[file] = detail::read_file(run / file);
  for (const char* folder : {"tagger", "cycle-1/student"}) {
    for (const std::string& file : files_of(run, {folder})) files[file] = detail::read_file(run / file);
  }
  return files;
}

// The same command goes on in a damaged folder: it says which file is wrong, or ends as it would have ended.
void check_resumes(size_t num_cuts, size_t num_flips) {
  const OneThread one_thread;
  const fs::path& folder = valid_files();
  const auto expected = outcome(folder / "finished");
  for (const std::string& file : files_of(folder, {"run"})) {
    if (fs::path(file).filename() == "lock") continue;
    const std::string bytes = detail::read_file(folder / file);
    for (const Damaged& damaged : damaged_copies(bytes, num_cuts, num_flips, detail::random_key(2, file))) {
      INFO(file << ", " << damaged.what);
      const TemporaryFolder copy(fs::exists("/dev/shm") ? "/dev/shm" : fs::temp_directory_path());
      fs::copy(folder / "run", copy / "run", fs::copy_options::recursive);
      overwrite(copy / file, damaged.bytes);
      try {
        trainer_in(folder, copy / "run").run();
        auto found = outcome(copy / "run");
        // It may lie there damaged where nobody reads it any more.
        found[fs::relative(file, "run").string()] = expected.contains(fs::relative(file, "run").string()) ? expected.at(fs::relative(file, "run").string()) : "";
        for (const auto& [name, content] : expected) CHECK(found[name] == content);
      } catch (const std::runtime_error& error) {
        check_message(error.what(), file);
      } catch (const std::invalid_argument& error) {
        // A run that was started otherwise.
        check_message(error.what(), copy / "run");
        CHECK(fs::path(file).filename() == "run.json");
      }
    }
  }
}

}  // namespace

TEST_CASE("a run in a damaged work folder names the damaged file, or ends with the same bytes") { check_resumes(3, 6); }

TEST_CASE("a run in a work folder with a file damaged at many places names it, or ends with the same bytes", "[.long]") { check_resumes(200, 300); }

TEST_CASE("files of a newer format are refused in one sentence") {
  const OneThread one_thread;
  const TemporaryFolder copy;
  fs::copy(valid_files(), copy.path(), fs::copy_options::recursive);
  const auto check_refused = [&](const std::string& file, const std::function<void(const fs::path&)>& make_newer, const std::function<void()>& read) {
    INFO(file);
    const std::string bytes = detail::read_file(copy / file);
    make_newer(copy / file);
    try {
      read();
      FAIL_CHECK("it was read");
    } catch (const std::exception& error) {
      check_message(error.what(), file);
      CHECK_THAT(error.what(), ContainsSubstring("reads up to") || ContainsSubstring("reads formats up to"));
    }
    overwrite(copy / file, bytes);
  };
  const auto number = [](const fs::path& file) {
    Json json = detail::read_json(file);
    json["format"] = 99;
    detail::write_json(file, detail::sealed(json));
  };
  const auto byte = [](size_t place, char newer = 2) {
    return [place, newer](const fs::path& file) {
      std::string bytes = detail::read_file(file);
      bytes[place] = newer;
      overwrite(file, bytes);
    };
  };
  const auto first_line = [](const fs::path& file) {
    std::string bytes = detail::read_file(file);
    bytes.replace(bytes.find("\"format\":1"), 10, "\"format\":2");
    overwrite(file, bytes);
  };
  const auto read_format = [&](const char* name) {
    return [&copy, name] {
      for (const Format& format : formats()) {
        if (format.name == name) format.read(copy.path());
      }
    };
  };
  const auto resume = [&] { trainer_in(copy.path(), copy / "run").run(); };
  check_refused("index/manifest.json", number, read_format("label index"));
  check_refused("finished/tagger/lmtx/settings.json", number, read_format("tagger"));
  check_refused("run/run.json", number, resume);
  check_refused("run/cycle-0/cycle.json", number, resume);
  check_refused("run/cycle-0/trained.json", number, resume);
  check_refused("finished/report.json", number, read_format("report.json"));
  check_refused("vectors/vectors.npy.partial.json", number, read_format("file of vectors in the making"));
  check_refused("run/documents.tokens", byte(8), resume);
  check_refused("run/documents.twins", byte(8), resume);
  check_refused("run/cycle-0/asked", byte(8), resume);
  check_refused("run/cycle-0/shortlist", byte(8), read_format("shortlists"));
  check_refused("run/cycle-1/training/training.checkpoint", byte(8), resume);
  check_refused("run/cycle-1/asked.missing", byte(8), [&] {
    fs::remove(copy / "run/cycle-1/asked");
    resume();
  });
  check_refused("judgments.db", byte(63, 3), read_format("judgment store"));
  check_refused("verdicts.jsonl", first_line, read_format("recorded verdicts"));
}
