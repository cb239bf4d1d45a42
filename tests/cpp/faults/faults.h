// What the tests of kills and faulty disks share: jobs that work in a folder, and ways to disturb them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace lmtx::test {

namespace fs = std::filesystem;

// Something that is done in a process of its own, and may be started again until it is done.
class Job {
 public:
  virtual ~Job() = default;
  // Whatever it writes lies in here; absolute, without symbolic links.
  virtual fs::path folder() const = 0;
  // Makes everything as it was before the first start.
  virtual void reset() = 0;
  // In the other process.
  virtual void work() = 0;
  // What must hold after it was disturbed, and after it was done.
  virtual void check_disturbed() {}
  virtual void check_done() = 0;
};

// What is done at one of a job's file operations, as tests/faults/fault_injector.cc has it.
struct Fault {
  std::string action = {};
  std::string error = {};
  // From 1.
  int64_t at = 0;
};

// How a process ended (as Child has it), and what it threw.
struct End {
  int code = 0;
  std::string message;
};
End start(Job& job, const Fault& fault = {});

// The file operations of a job, in order: "write judgments.db-wal". Leaves it done.
std::vector<std::string> operations_of(Job& job);

// Which of these operations to disturb, as numbers from 1: all, or one of each kind on each file, and of those every n-th.
std::vector<int64_t> every(const std::vector<std::string>& operations);
std::vector<int64_t> some(const std::vector<std::string>& operations, size_t n = 1, size_t first = 0);

// Kills the job before ("kill") or in the middle of ("cut") each of these operations, starts it again, and checks.
void check_kills(Job& job, const std::string& action, const std::vector<int64_t>& numbers);
// Kills it again and again, each time at one of the next `furthest` operations, until it is done. What is written at one go must take fewer.
void check_kills_in_a_row(Job& job, uint64_t seed, int64_t furthest);

// Lets each of these operations fail alone ("fail") or with what comes after it ("last"): the job ends with one line that names the path and the cause, or
// does without it. Then, all being well again, starts it once more, and checks.
void check_errors(Job& job, const std::string& action, const std::string& error, const std::vector<int64_t>& numbers);
// Lets each of these writes do half, as systems may: nothing comes of it.
void check_short_writes(Job& job, const std::vector<int64_t>& numbers);

// For temporary folders: in memory where there is such a place. A kill loses nothing that was written, on a disk or in memory.
fs::path fast_folder();

// Every file under `folder` with its bytes, and every folder, by their paths in there.
std::map<std::string, std::string> everything_in(const fs::path& folder);
// Compares such lists; names what differs.
void check_same(const std::map<std::string, std::string>& found, const std::map<std::string, std::string>& expected);

}  // namespace lmtx::test
