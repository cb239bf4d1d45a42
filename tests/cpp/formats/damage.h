// Damage to files, and what may come of it.
#pragma once

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "catch.h"
#include "lmtx/detail/files.h"
#include "lmtx/detail/quote.h"
#include "lmtx/detail/random.h"

namespace lmtx::test {

namespace fs = std::filesystem;

// As long as it lives this process may have at most so much more memory than it has; not under sanitizers, which reserve most of what there is.
class MemoryLimit {
 public:
  explicit MemoryLimit(uint64_t bytes) {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    uint64_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    getrlimit(RLIMIT_AS, &before_);
    rlimit limit = before_;
    limit.rlim_cur = pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE)) + bytes;
    setrlimit(RLIMIT_AS, &limit);
    is_set_ = true;
#else
    static_cast<void>(bytes);
#endif
  }
  ~MemoryLimit() {
    if (is_set_) setrlimit(RLIMIT_AS, &before_);
  }
  MemoryLimit(const MemoryLimit&) = delete;
  MemoryLimit& operator=(const MemoryLimit&) = delete;

 private:
  rlimit before_{};
  bool is_set_ = false;
};

// Written over, not beside: a damaged file is not polite.
inline void overwrite(const fs::path& file, const std::string& bytes) { std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes; }

// `count` sizes to cut a file of `size` bytes at: the first and the last ones, and evenly between.
inline std::vector<size_t> cuts(size_t size, size_t count) {
  std::vector<size_t> cuts;
  for (size_t i = 0; i < count; ++i) cuts.push_back(size * i / count);
  for (size_t i = 0; i < count / 10; ++i) {
    if (i < size) cuts.push_back(i);
    if (i < size) cuts.push_back(size - 1 - i);
  }
  std::sort(cuts.begin(), cuts.end());
  cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
  return cuts;
}

// What was done to a file, for messages, and the bytes that came of it.
struct Damaged {
  std::string what, bytes;
};

inline std::vector<Damaged> damaged_copies(const std::string& whole, size_t num_cuts, size_t num_flips, uint64_t seed) {
  std::vector<Damaged> copies;
  for (const size_t cut : cuts(whole.size(), num_cuts)) copies.push_back({"cut at " + std::to_string(cut), whole.substr(0, cut)});
  detail::KeyedRandom random(seed);
  for (size_t i = 0; i < num_flips && !whole.empty(); ++i) {
    const auto bit = static_cast<uint64_t>(random.below(static_cast<int64_t>(8 * whole.size())));
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    copies.push_back({"bit " + std::to_string(bit) + " flipped", std::move(flipped)});
  }
  return copies;
}

// One line that names the file.
inline void check_message(const std::string& message, const fs::path& file) {
  INFO(message);
  CHECK_THAT(message, ContainsSubstring(file.filename().string()));
  CHECK(message.size() < 3000);
  CHECK(detail::one_line(message, message.size()) == message);
}

}  // namespace lmtx::test
