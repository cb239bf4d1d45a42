// Verdicts that were paid for, kept for good: never asked twice, survives kill -9. One SQLite file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lmtx/export.h"
#include "lmtx/teacher/teacher_oracle.h"

namespace lmtx {

// A verdict kept in the store.
struct Judgment {
  Verdict verdict;
  // The run that asked for it, as it named itself to put().
  std::string run;
};

// What several answers cost together.
struct UsageTotals {
  Usage usage;
  int64_t answers = 0;
};

// The key of a judgment is 128 bits of BLAKE2b over a version byte, the teacher's identity, and the length-prefixed title, content, label name
// and label description as the teacher is given them. Uids are kept beside it for people to read.
// Move-only; find(), put() and flush() may be called from several threads, and several processes may have the file open. A child of fork() can neither
// use its parent's store nor open that file while it was open at the fork: std::runtime_error says so. Format: docs/formats/judgments.md.
class LMTX_API JudgmentStore {
 public:
  // Opens or makes the file. Throws std::runtime_error naming the file and the fault (no database, newer format, read-only, disk full).
  static JudgmentStore open(const std::filesystem::path& file);
  JudgmentStore(JudgmentStore&&) noexcept;
  JudgmentStore& operator=(JudgmentStore&&) noexcept;
  ~JudgmentStore();

  // What is known about each label of `question`, in order; unset where nothing is. Only scored and abstained verdicts are ever kept.
  std::vector<std::optional<Judgment>> find(const std::string& identity, const Question& question) const;

  // Keeps the scored and abstained among `verdicts`, in one transaction: when it returns they survive the end of the process. A pair that is
  // there already stays as it was. Failed and missing ones are passed over. `raw`, what the teacher said word for word, is kept unless empty.
  // Returns how many were not there before.
  int64_t put(const std::string& identity, const Question& question, std::span<const Verdict> verdicts, const Usage& usage = {}, const std::string& run = {},
              std::string_view raw = {});

  // When it returns what was put before survives a power cut, too.
  void flush();

  // Judgments, all teachers together.
  int64_t size() const;
  // Those of a teacher that uses this identity.
  int64_t size(const std::string& identity) const;
  // What the answers that a teacher gave, or a run got, cost together; unset means any. What was put with no verdict that is new counts, too, where it cost something.
  UsageTotals usage(const std::optional<std::string>& identity = {}, const std::optional<std::string>& run = {}) const;
  Usage usage_of_run(const std::string& run) const { return usage({}, run).usage; }
  // The identities in the store, sorted.
  std::vector<std::string> identities() const;

  // Writes what the store has of a teacher as recorded verdicts, documents and labels by rising uid, so that the file is there whole or not at all.
  // Where the same uids were judged with several texts, the newest verdict is taken. Format: docs/formats/recorded-verdicts.md.
  // Throws std::invalid_argument where the store has nothing of this identity.
  void export_recording(const std::string& identity, const std::filesystem::path& file) const;

 private:
  struct Impl;
  explicit JudgmentStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lmtx
