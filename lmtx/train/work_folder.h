// Where a run lives: what it was started with, and the places of its results. Internal; format: docs/formats/run.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lmtx/detail/files.h"
#include "lmtx/export.h"
#include "lmtx/teacher/budget.h"
#include "lmtx/train/options.h"

namespace lmtx {

// What a run was started with (run.json).
struct RunManifest {
  // Drawn once. Tells this run's judgments from those that the store held before; nothing else depends on it.
  std::string run;
  std::string teacher;
  // Fingerprints of the inputs.
  std::string base, documents, labels;
  // Absolute; empty where the store lies in the work folder.
  std::string store;
  Budget budget;
  TrainerOptions options;
  // The torch that the weights were computed with, and its threads: both may change the last bits.
  std::string torch;
  int64_t threads = 1;
};

// Where `given` asks for another run than `started`: one clause each, such as "`epochs` is 1 there, but 3 was given".
// The id, torch and its threads are no difference.
LMTX_API std::vector<std::string> differences(const RunManifest& started, const RunManifest& given);

class LMTX_API WorkFolder {
 public:
  explicit WorkFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // Throws std::invalid_argument where no run can live: a path that is no folder, a folder with other things in it or that cannot be written, or no path. A
  // finished run is only read.
  void check_usable() const;
  // Of the run in the folder; unset where there is none. Throws std::runtime_error naming the file and the fault.
  std::optional<RunManifest> manifest() const;
  // Throws std::invalid_argument naming each difference where the folder holds another run.
  void check_same(const RunManifest& given) const;

  // Makes the folder and keeps other processes out. Throws std::runtime_error naming the folder when one is in already.
  std::unique_ptr<detail::FileLock> lock() const;
  // Begins a run, or goes on with the one that is there; returns its manifest. Throws like check_same(). Needs the lock.
  RunManifest begin(const RunManifest& given) const;

  const std::filesystem::path& path() const { return folder_; }
  std::filesystem::path store() const { return folder_ / "judgments.db"; }
  std::filesystem::path document_tokens() const { return folder_ / "documents.tokens"; }
  std::filesystem::path label_tokens() const { return folder_ / "labels.tokens"; }
  std::filesystem::path twins() const { return folder_ / "documents.twins"; }
  std::filesystem::path tagger() const { return folder_ / "tagger"; }
  // Where there is a limit to it.
  std::filesystem::path asking_time() const { return folder_ / "asking.json"; }
  // There when the run is finished.
  std::filesystem::path report() const { return folder_ / "report.json"; }
  // The folder of a cycle, by its name in reports: "cycle-0". Made if missing.
  std::filesystem::path cycle(int64_t cycle) const;

 private:
  std::filesystem::path run_file() const { return folder_ / "run.json"; }
  std::filesystem::path lock_file() const { return folder_ / "lock"; }
  void remove_leftovers_of_kills() const;

  std::filesystem::path folder_;
};

}  // namespace lmtx
