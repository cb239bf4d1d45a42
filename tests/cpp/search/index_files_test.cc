#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>

#include "catch.h"
#include "temporary_folder.h"
#include "lmtx/search/label_index.h"
#include "rows.h"

using namespace lmtx;
namespace fs = std::filesystem;

namespace {

std::string read(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void write(const fs::path& file, const std::string& bytes) { std::ofstream(file, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size())); }

std::vector<fs::path> files_in(const fs::path& folder, const std::string& start = "") {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().filename().string().starts_with(start)) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

LabelIndex small_index() {
  const auto index = LabelIndex::build(tensor_of(whole_rows(9, 5, 3, 1), 5), {.normalize = false});
  const std::vector<int64_t> two = {20, 3};
  return index.with_added(tensor_of(whole_rows(2, 5, 3, 2), 5), two).with_removed(std::vector<int64_t>{4}).with_bias(two, std::vector<float>{0.1f, -2.5f});
}

std::vector<Ranking> answers(const LabelIndex& index) { return rankings_of(index.search(tensor_of(whole_rows(6, 5, 3, 3), 5), 12)); }

// What loading says.
std::string fault_of(const fs::path& folder) {
  try {
    LabelIndex::load(folder);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("an index that was saved and loaded answers the same") {
  const TemporaryFolder folder;
  const auto index = small_index();
  index.save(folder / "index");
  const auto loaded = LabelIndex::load(folder / "index");
  CHECK(answers(loaded) == answers(index));
  CHECK(loaded.dim() == 5);
  CHECK(loaded.num_labels() == 9);
  CHECK(loaded.num_rows() == 11);
  CHECK(loaded.num_segments() == 2);
  CHECK(loaded.options().method == "exact");
  CHECK_FALSE(loaded.options().normalize);
}

TEST_CASE("an index without rows can be saved and loaded") {
  const TemporaryFolder folder;
  LabelIndex::build(tensor_of({}, 7)).save(folder / "index");
  CHECK(LabelIndex::load(folder / "index").dim() == 7);
}

TEST_CASE("saving into the same folder writes new segments only, and removes those no longer used") {
  const TemporaryFolder folder;
  const fs::path place = folder / "index";
  auto index = LabelIndex::build(tensor_of(unit_rows(50, 8, 1), 8));
  index.save(place);
  const auto first = files_in(place, "rows-");
  REQUIRE(first.size() == 1);
  const auto long_ago = fs::last_write_time(first[0]) - std::chrono::hours(1);
  fs::last_write_time(first[0], long_ago);

  index = index.with_added(tensor_of(unit_rows(2, 8, 2), 8), std::vector<int64_t>{50, 51});
  index.save(place);
  CHECK(files_in(place, "rows-").size() == 2);
  CHECK(fs::last_write_time(first[0]) == long_ago);

  write(place / "rows-leftover.bin", "x");
  const auto mapped = LabelIndex::load(place);
  const auto queries = tensor_of(unit_rows(3, 8, 3), 8);
  const auto before = rankings_of(mapped.search(queries, 60));
  mapped.compact().save(place);
  CHECK(files_in(place).size() == 2);
  CHECK_FALSE(fs::exists(first[0]));
  // The files it maps are gone by name only.
  CHECK(rankings_of(mapped.search(queries, 60)) == before);
  CHECK(rankings_of(LabelIndex::load(place).search(queries, 60)) == before);
  mapped.save(place);
  CHECK(LabelIndex::load(place).num_segments() == 2);
}

TEST_CASE("rows are aligned to 64 bytes in their file") {
  const TemporaryFolder folder;
  const auto rows = whole_rows(3, 5, 3, 1);
  LabelIndex::build(tensor_of(rows, 5), std::vector<int64_t>{7, 8, 1}, {.normalize = false}).save(folder / "index");
  const std::string bytes = read(files_in(folder / "index", "rows-")[0]);
  REQUIRE(bytes.size() == 64 + 64 + 3 * 8);
  float number = 0;
  std::memcpy(&number, bytes.data() + 64, sizeof number);
  CHECK(number == rows[0][0]);
  int64_t owner = 0;
  std::memcpy(&owner, bytes.data() + 128 + 16, sizeof owner);
  CHECK(owner == 1);
}

TEST_CASE("saving leaves a folder alone that is no index") {
  const TemporaryFolder folder;
  fs::create_directories(folder / "precious");
  write(folder / "precious/thesis.txt", "mine");
  CHECK_THROWS_WITH(small_index().save(folder / "precious"), ContainsSubstring("precious: is there already and is no label index"));
  CHECK(read(folder / "precious/thesis.txt") == "mine");
  fs::create_directories(folder / "empty");
  small_index().save(folder / "empty");
  CHECK(answers(LabelIndex::load(folder / "empty")) == answers(small_index()));
}

TEST_CASE("a missing, newer or foreign manifest is named in one line") {
  const TemporaryFolder folder;
  CHECK_THAT(fault_of(folder / "nowhere"), ContainsSubstring("nowhere/manifest.json"));
  small_index().save(folder / "index");
  const fs::path manifest = folder / "index/manifest.json";
  const std::string text = read(manifest);
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = text;
    REQUIRE(changed.find(from) != std::string::npos);
    write(manifest, changed.replace(changed.find(from), from.size(), to));
    return fault_of(folder / "index");
  };
  CHECK_THAT(with("\"format\": 1", "\"format\": 2"), ContainsSubstring("manifest.json: written by a newer LMTX (format 2; this one reads up to 1)."));
  CHECK_THAT(with("\"dim\": 5", "\"dim\": 6"), ContainsSubstring("manifest.json: damaged"));
  CHECK_THAT(with("\"format\"", "\"fromat\""), ContainsSubstring("manifest.json"));
  write(manifest, "[]");
  CHECK_THAT(fault_of(folder / "index"), ContainsSubstring("manifest.json: no manifest of a label index."));
}

TEST_CASE("a missing or exchanged segment file is named") {
  const TemporaryFolder folder;
  small_index().save(folder / "index");
  const auto segments = files_in(folder / "index", "rows-");
  REQUIRE(segments.size() == 2);
  const std::string first = read(segments[0]), second = read(segments[1]);
  write(segments[0], second);
  CHECK_THAT(fault_of(folder / "index"), ContainsSubstring(segments[0].filename().string() + ": expected " + std::to_string(first.size()) + " bytes"));
  fs::remove(segments[0]);
  CHECK_THAT(fault_of(folder / "index"), ContainsSubstring(segments[0].filename().string()));
}

TEST_CASE("an index cut off or changed anywhere gives one clear error that names the file") {
  const TemporaryFolder folder;
  const auto index = small_index();
  index.save(folder / "index");
  const auto expected = answers(index);
  detail::KeyedRandom random(1);
  for (const fs::path& file : files_in(folder / "index")) {
    const std::string name = file.filename().string(), whole = read(file);
    CAPTURE(name);
    for (size_t size = 0; size < whole.size(); size += 1 + whole.size() / 97) {
      write(file, whole.substr(0, size));
      CAPTURE(size);
      const std::string fault = fault_of(folder / "index");
      // A manifest without its last line break is whole.
      if (!(name == "manifest.json" && size + 1 == whole.size())) REQUIRE_THAT(fault, ContainsSubstring(name));
      REQUIRE(fault.find('\n') == std::string::npos);
    }
    for (int i = 0; i < 300; ++i) {
      std::string flipped = whole;
      const int64_t bit = random.below(static_cast<int64_t>(whole.size()) * 8);
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
      write(file, flipped);
      CAPTURE(bit);
      const std::string fault = fault_of(folder / "index");
      // In a manifest some flips change nothing that is meant (white space).
      if (fault.empty()) REQUIRE((name == "manifest.json" && answers(LabelIndex::load(folder / "index")) == expected));
      if (!fault.empty()) REQUIRE_THAT(fault, ContainsSubstring(name));
    }
    write(file, whole);
  }
  CHECK(fault_of(folder / "index").empty());
}
