// What the fuzz targets share. A target is the function LLVMFuzzerTestOneInput, as libFuzzer calls it: it takes any bytes for a file of its format and ends the
// process unless reading them works, or throws a std::runtime_error of one line that names the file.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "lmtx/detail/json.h"
#include "lmtx/detail/quote.h"
#include "lmtx/detail/sealed_json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace lmtx::fuzz {

namespace fs = std::filesystem;
using detail::Json;

// A copy of a part of tests/formats/v1, in memory where there is such a place; gone at the end of the process.
class Scratch {
 public:
  explicit Scratch(const std::string& part = {}) {
    std::string name = ((fs::exists("/dev/shm") ? fs::path("/dev/shm") : fs::temp_directory_path()) / "lmtx-fuzz-XXXXXX").string();
    if (!mkdtemp(name.data())) std::abort();
    path_ = name;
    if (!part.empty()) fs::copy(fs::path(LMTX_FUZZ_FORMATS) / part, path_ / "files", fs::copy_options::recursive);
  }
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  // The copied part; a folder.
  fs::path files() const { return path_ / "files"; }
  fs::path operator/(const std::string& name) const { return path_ / name; }

 private:
  fs::path path_;
};

inline void write(const fs::path& file, std::string_view bytes) { std::ofstream(file, std::ios::binary | std::ios::trunc).write(bytes.data(), static_cast<std::streamsize>(bytes.size())); }

inline std::string read(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

[[noreturn]] inline void report(const std::string& finding) {
  std::fprintf(stderr, "FOUND: %s\n", finding.c_str());
  std::abort();
}

// Reads `file`, which may be anything.
inline void expect_one_line(const fs::path& file, const std::function<void()>& use) {
  try {
    use();
  } catch (const std::runtime_error& error) {
    const std::string message = error.what();
    if (message.find(file.filename().string()) == std::string::npos) report("a message without " + file.filename().string() + ": " + message);
    if (detail::one_line(message, 3000) != message) report("a message of several lines, with control characters or too long: " + message);
  } catch (const std::exception& error) {
    report(std::string("another exception than std::runtime_error: ") + error.what());
  }
}

// Puts `bytes` in the place of a file, uses it, and puts the file back.
inline void replace(const fs::path& file, std::string_view bytes, const std::function<void()>& use) {
  const std::string before = read(file);
  write(file, bytes);
  expect_one_line(file, use);
  write(file, before);
}

// The same for JSON that carries a checksum: as it is, and with the right checksum, so that what is behind the check is reached, too.
inline void replace_sealed(const fs::path& file, std::string_view bytes, const std::function<void()>& use) {
  replace(file, bytes, use);
  Json json;
  try {
    json = detail::parse_json(bytes, "input");
  } catch (const std::runtime_error&) {
    return;
  }
  if (json.is_object()) replace(file, detail::sealed(json).dump(), use);
}

inline std::string_view text_of(const uint8_t* data, size_t size) { return {reinterpret_cast<const char*>(data), size}; }

}  // namespace lmtx::fuzz
