#include "lmtx/detail/files.h"

#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include <fstream>

#include "catch.h"
#include "lmtx/detail/digest.h"
#include "lmtx/detail/json.h"
#include "lmtx/detail/random.h"

namespace fs = std::filesystem;
using namespace lmtx::detail;

namespace {

class TemporaryFolder {
 public:
  TemporaryFolder() : path(fs::temp_directory_path() / ("lmtx-files-" + std::to_string(::getpid()))) {
    fs::remove_all(path);
    fs::create_directories(path);
  }
  ~TemporaryFolder() { fs::remove_all(path); }
  const fs::path path;
};

void write(const fs::path& file, const std::string& bytes) { std::ofstream(file, std::ios::binary) << bytes; }

std::vector<std::string> lines_of(const fs::path& file) {
  LineReader reader(file);
  std::vector<std::string> lines;
  for (std::string line; reader.next(line);) lines.push_back(line);
  return lines;
}

void write_gzip(const fs::path& file, const std::string& bytes) {
  gzFile stream = gzopen(file.c_str(), "wb");
  gzwrite(stream, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(stream);
}

}  // namespace

TEST_CASE("a file is replaced whole, and a failed write leaves the old one") {
  TemporaryFolder folder;
  write_file_atomically(folder.path / "a", "one");
  write_file_atomically(folder.path / "a", "two");
  CHECK(read_file(folder.path / "a") == "two");
  CHECK_THROWS_WITH(write_file_atomically(folder.path / "missing" / "a", "x"), ContainsSubstring("missing/a") && ContainsSubstring("No such file"));
  CHECK(std::distance(fs::directory_iterator(folder.path), fs::directory_iterator()) == 1);
}

TEST_CASE("a folder is replaced whole, and one that fails half way changes nothing") {
  TemporaryFolder folder;
  const fs::path target = folder.path / "out";
  write_folder_atomically(target, [](const fs::path& f) { write(f / "x", "1"); });
  CHECK_THROWS_WITH(write_folder_atomically(target,
                                            [](const fs::path& f) {
                                              write(f / "x", "2");
                                              throw std::runtime_error("half way");
                                            }),
                    "half way");
  CHECK(read_file(target / "x") == "1");
  write_folder_atomically(target, [](const fs::path& f) { write(f / "y", "3"); });
  CHECK(read_file(target / "y") == "3");
  CHECK_FALSE(fs::exists(target / "x"));
  write(folder.path / "out.writing-1", "left by a killed process");
  remove_leftovers(target);
  CHECK(std::distance(fs::directory_iterator(folder.path), fs::directory_iterator()) == 1);
}

TEST_CASE("what a killed process left is taken over by the next that writes the same") {
  TemporaryFolder folder;
  write(folder.path / "file.writing", std::string(1000, 'x'));
  write_file_atomically(folder.path / "file", "whole");
  fs::create_directories(folder.path / "out.writing" / "deep");
  write(folder.path / "out.writing" / "deep" / "file", "left");
  write_folder_atomically(folder.path / "out", [](const fs::path& f) {
    CHECK(fs::is_empty(f));
    write(f / "x", "1");
  });
  CHECK(read_file(folder.path / "file") == "whole");
  CHECK(std::distance(fs::directory_iterator(folder.path / "out"), {}) == 1);
  CHECK(std::distance(fs::directory_iterator(folder.path), {}) == 2);
}

TEST_CASE("several may write the same at once, and each writes it whole") {
  TemporaryFolder folder;
  const fs::path file = folder.path / "file", out = folder.path / "out";
  write_file_atomically(file, [&](const AppendBytes& append) {
    append("first, ");
    write_file_atomically(file, "second");
    CHECK(read_file(file) == "second");
    append("but later");
  });
  CHECK(read_file(file) == "first, but later");
  write_folder_atomically(out, [&](const fs::path& first) {
    write(first / "x", "first");
    write_folder_atomically(out, [&](const fs::path& second) {
      CHECK(first != second);
      write(second / "y", "second");
    });
    CHECK(read_file(out / "y") == "second");
  });
  CHECK(read_file(out / "x") == "first");
  CHECK_FALSE(fs::exists(out / "y"));
  CHECK(std::distance(fs::directory_iterator(folder.path), {}) == 2);
}

TEST_CASE("a folder that was moved aside comes back before it is written again") {
  TemporaryFolder folder;
  const fs::path out = folder.path / "out";
  fs::create_directories(folder.path / "out.replaced");
  write(folder.path / "out.replaced" / "x", "old");
  CHECK_THROWS_WITH(write_folder_atomically(out, [](const fs::path&) { throw std::runtime_error("no"); }), "no");
  CHECK(read_file(out / "x") == "old");
  CHECK(std::distance(fs::directory_iterator(folder.path), {}) == 1);
}

TEST_CASE("links are followed, and devices are written to") {
  TemporaryFolder folder;
  fs::create_directories(folder.path / "there");
  fs::create_symlink("there/file", folder.path / "file");
  write_file_atomically(folder.path / "file", "x");
  CHECK(fs::is_symlink(folder.path / "file"));
  CHECK(read_file(folder.path / "there" / "file") == "x");
  write(folder.path / "there" / "old", "");
  fs::create_directory_symlink("there", folder.path / "out");
  write_folder_atomically(folder.path / "out", [](const fs::path& f) { write(f / "new", ""); });
  CHECK(fs::is_symlink(folder.path / "out"));
  CHECK(std::distance(fs::directory_iterator(folder.path / "there"), {}) == 1);
  CHECK_NOTHROW(write_file_atomically("/dev/null", "x"));
  CHECK(fs::is_character_file("/dev/null"));
  CHECK_THROWS_WITH(write_file_atomically("/dev/full", "x"), "Cannot write /dev/full: No space left on device.");
}

TEST_CASE("a folder does not take the place of a file") {
  TemporaryFolder folder;
  write(folder.path / "out", "precious");
  const fs::path file = folder.path / "out";
  CHECK_THROWS_WITH(write_folder_atomically(file, [](const fs::path&) {}), "Cannot write " + file.string() + ": Not a directory.");
  CHECK(read_file(folder.path / "out") == "precious");
}

TEST_CASE("lines are read alike from plain and gzip files, with or without a last newline") {
  TemporaryFolder folder;
  const std::string text = "first\r\n\n" + std::string(200'000, 'x') + "\nnul" + std::string(1, '\0') + "inside\nlast";
  const std::vector<std::string> expected = {"first", "", std::string(200'000, 'x'), std::string("nul\0inside", 10), "last"};
  write(folder.path / "plain", text);
  write_gzip(folder.path / "packed", text);
  CHECK(lines_of(folder.path / "plain") == expected);
  CHECK(lines_of(folder.path / "packed") == expected);
  write(folder.path / "empty", "");
  CHECK(lines_of(folder.path / "empty").empty());
}

TEST_CASE("a truncated gzip file is an error that names the file") {
  TemporaryFolder folder;
  std::string noise;
  for (int i = 0; i < 20'000; ++i) noise += std::to_string(mix(static_cast<uint64_t>(i))) + "\n";
  write_gzip(folder.path / "packed", noise);
  const std::string bytes = read_file(folder.path / "packed");
  for (const size_t size : {bytes.size() / 3, bytes.size() - 9, bytes.size() - 1}) {
    write(folder.path / "packed", bytes.substr(0, size));
    CHECK_THROWS_WITH(lines_of(folder.path / "packed"), ContainsSubstring("packed:") && ContainsSubstring("damaged or truncated gzip file"));
  }
}

TEST_CASE("a lock keeps a second process out until the first is gone") {
  TemporaryFolder folder;
  const fs::path file = folder.path / "lock";
  const auto second_process_gets_it = [&] {
    const pid_t child = ::fork();
    if (child == 0) {
      try {
        FileLock lock(file, "held");
        ::_exit(0);
      } catch (const std::runtime_error& error) {
        ::_exit(std::string(error.what()) == "held" ? 1 : 2);
      }
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WEXITSTATUS(status);
  };
  {
    FileLock lock(file, "held");
    CHECK(second_process_gets_it() == 1);
  }
  CHECK(second_process_gets_it() == 0);
}

TEST_CASE("a digest is BLAKE2b-128 and depends on where parts end") {
  CHECK(hex(Hasher().add_raw("abc", 3).finish()) == "cf4ab791c62b8d2b2109c90275287816");  // Python: blake2b(b"abc", digest_size=16)
  CHECK(Hasher().add("ab").add("c").finish() != Hasher().add("a").add("bc").finish());
}

TEST_CASE("broken, deep and mistyped JSON is named by place and fault") {
  CHECK_THROWS_WITH(parse_json("{\"a\": ", "file:3"), ContainsSubstring("file:3: broken JSON: "));
  CHECK_THROWS_WITH(parse_json(std::string(5000, '['), "deep"), ContainsSubstring("deep: ") && ContainsSubstring("nested deeper than 100 levels"));
  const Json json = parse_json(R"({"text": 1, "big": 18446744073709551615, "none": null})", "f");
  CHECK_THROWS_WITH(json_string(json, "text", "f"), "f: `text` must be a string, but is number instead.");
  CHECK_THROWS_WITH(json_integer(json, "big", "f"), ContainsSubstring("must be an integer of 64 bits"));
  CHECK_THROWS_WITH(json_string(json, "none", "f"), "f: `none` is missing.");
  CHECK(json_string_or(json, "none", "x", "f") == "x");
}

TEST_CASE("keyed draws are reproducible, and a permutation holds each place once") {
  CHECK(random_key(1, "a", {2, 3}) == random_key(1, "a", {2, 3}));
  CHECK(random_key(1, "a", {2, 3}) != random_key(1, "a", {3, 2}));
  std::vector<int64_t> order = permutation(1000, random_key(7, "order"));
  CHECK(order == permutation(1000, random_key(7, "order")));
  CHECK(order != permutation(1000, random_key(8, "order")));
  std::sort(order.begin(), order.end());
  for (int64_t i = 0; i < 1000; ++i) CHECK(order[i] == i);
}
