#include "faults.h"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <numeric>

#include "catch.h"
#include "child.h"
#include "fault_injector.h"
#include "lmtx/detail/files.h"
#include "lmtx/detail/random.h"
#include "temporary_folder.h"

namespace lmtx::test {

namespace {

void inject(const Fault& fault, const fs::path& folder, const fs::path& log) {
  ::setenv("LMTX_FAULT_FOLDER", folder.c_str(), 1);
  ::setenv("LMTX_FAULT_DO", fault.action.c_str(), 1);
  ::setenv("LMTX_FAULT_ERROR", fault.error.c_str(), 1);
  ::setenv("LMTX_FAULT_AT", std::to_string(fault.at).c_str(), 1);
  ::setenv("LMTX_FAULT_LOG", log.c_str(), 1);
  lmtx_reload_faults();
}

End start_logged(Job& job, const Fault& fault, const fs::path& log) {
  Child child([&](int) {
    inject(fault, job.folder(), log);
    job.work();
  });
  const std::string message = child.read_rest();
  return {child.wait_for_end(), message};
}

std::vector<std::string> lines_of(const fs::path& file) {
  std::vector<std::string> lines;
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

bool contains_any(const std::string& message, const std::vector<std::string>& parts) {
  return std::any_of(parts.begin(), parts.end(), [&](const std::string& part) { return message.find(part) != std::string::npos; });
}

// In the words of the system, or ours for SQLite's; of what failed once, SQLite may say less.
bool names_cause(const std::string& message, const Fault& fault) {
  const std::map<std::string, std::vector<std::string>> causes = {{"ENOSPC", {"No space left on device", "the disk is full"}},
                                                                  {"EIO", {"Input/output error", "disk I/O error"}},
                                                                  {"EROFS", {"Read-only file system", "read-only"}},
                                                                  {"EACCES", {"Permission denied", "read-only"}}};
  if (contains_any(message, causes.at(fault.error))) return true;
  return fault.action == "fail" && contains_any(message, {"disk I/O error", "(-journal, -wal, -shm) cannot be made"});
}

// After a disturbance.
void check_restart(Job& job) {
  const End done = start(job);
  INFO(done.message);
  REQUIRE(done.code == 0);
  job.check_done();
}

}  // namespace

End start(Job& job, const Fault& fault) { return start_logged(job, fault, {}); }

std::vector<std::string> operations_of(Job& job) {
  const TemporaryFolder folder;
  job.reset();
  const End end = start_logged(job, {}, folder / "log");
  INFO(end.message);
  REQUIRE(end.code == 0);
  std::vector<std::string> operations;
  for (const std::string& line : lines_of(folder / "log")) operations.push_back(line.substr(line.find(' ') + 1));
  REQUIRE(!operations.empty());
  return operations;
}

std::vector<int64_t> every(const std::vector<std::string>& operations) {
  std::vector<int64_t> numbers(operations.size());
  std::iota(numbers.begin(), numbers.end(), 1);
  return numbers;
}

std::vector<int64_t> some(const std::vector<std::string>& operations, size_t n, size_t first) {
  std::map<std::string, std::vector<int64_t>> alike;
  for (size_t i = 0; i < operations.size(); ++i) alike[operations[i]].push_back(static_cast<int64_t>(i) + 1);
  std::vector<int64_t> numbers;
  size_t group = 0;
  for (const auto& [operation, of] : alike) {
    // Not always the first of its kind.
    if (++group % n == first % n) numbers.push_back(of[group % of.size()]);
  }
  return numbers;
}

void check_kills(Job& job, const std::string& action, const std::vector<int64_t>& numbers) {
  int64_t kills = 0;
  for (const int64_t number : numbers) {
    INFO(action << " at operation " << number);
    job.reset();
    const End killed = start(job, {.action = action, .error = {}, .at = number});
    INFO(killed.message);
    // With several threads there may be fewer operations than were counted.
    REQUIRE((killed.code == -SIGKILL || killed.code == 0));
    kills += killed.code == -SIGKILL;
    job.check_disturbed();
    check_restart(job);
  }
  REQUIRE(kills * 10 >= static_cast<int64_t>(numbers.size()) * 9);
}

void check_kills_in_a_row(Job& job, uint64_t seed, int64_t furthest) {
  INFO("seed " << seed);
  detail::KeyedRandom random(seed);
  job.reset();
  int64_t kills = 0;
  for (;; ++kills) {
    const End end = start(job, {.action = random.below(2) == 0 ? "kill" : "cut", .error = {}, .at = 1 + random.below(furthest)});
    INFO(end.message);
    if (end.code == 0) break;
    REQUIRE(end.code == -SIGKILL);
    REQUIRE(kills < 1000);
    job.check_disturbed();
  }
  REQUIRE(kills > 0);
  job.check_done();
}

void check_errors(Job& job, const std::string& action, const std::string& error, const std::vector<int64_t>& numbers) {
  int64_t failures = 0;
  for (const int64_t number : numbers) {
    INFO(action << " with " << error << " at operation " << number);
    const Fault fault{.action = action, .error = error, .at = number};
    job.reset();
    const End failed = start(job, fault);
    INFO(failed.message);
    if (failed.code != 0) {
      ++failures;
      REQUIRE(failed.code == 1);
      CHECK(failed.message.find('\n') == std::string::npos);
      CHECK_THAT(failed.message, ContainsSubstring(job.folder().string()));
      CHECK(names_cause(failed.message, fault));
      job.check_disturbed();
    }
    check_restart(job);
  }
  REQUIRE(failures > 0);
}

void check_short_writes(Job& job, const std::vector<int64_t>& numbers) {
  for (const int64_t number : numbers) {
    INFO("short at operation " << number);
    job.reset();
    const End end = start(job, {.action = "short", .error = {}, .at = number});
    INFO(end.message);
    REQUIRE(end.code == 0);
    job.check_done();
  }
}

fs::path fast_folder() { return ::access("/dev/shm", W_OK | X_OK) == 0 ? fs::path("/dev/shm") : fs::canonical(fs::temp_directory_path()); }

std::map<std::string, std::string> everything_in(const fs::path& folder) {
  std::map<std::string, std::string> found;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string path = fs::relative(entry.path(), folder).string();
    found[path] = entry.is_directory() ? "" : detail::read_file(entry.path());
  }
  return found;
}

void check_same(const std::map<std::string, std::string>& found, const std::map<std::string, std::string>& expected) {
  for (const auto& [path, bytes] : expected) {
    INFO(path);
    REQUIRE(found.count(path) == 1);
    REQUIRE(found.at(path) == bytes);
  }
  for (const auto& [path, bytes] : found) {
    INFO("left over: " << path);
    REQUIRE(expected.count(path) == 1);
  }
}

}  // namespace lmtx::test
