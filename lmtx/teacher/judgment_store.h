// Verdicts that were paid for, kept for good: never asked twice, survives kill -9. One SQLite file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "lmtx/export.h"
#include "lmtx/teacher/store_reports.h"
#include "lmtx/teacher/teacher_oracle.h"

namespace lmtx {

// A verdict kept in the store.
struct Judgment {
  Verdict verdict;
  // The run that asked for it, as it named itself to put().
  std::string run;
};

// The key of a judgment is 128 bits of BLAKE2b over a version byte, the teacher's identity, and the length-prefixed title, content, label name
// and label description as the teacher is given them. Uids are kept beside it for people to read.
// Move-only; every method may be called from several threads, and several processes may have the file open. Who reads never waits for who writes. A child of
// fork() can neither use its parent's store nor open that file while it was open at the fork: std::runtime_error says so. Format: docs/formats/judgments.md.
// What looks through a whole store takes a stop token and throws Stopped. Every method throws std::runtime_error, naming the file, where it is damaged or the
// disk fails.
class LMTX_API JudgmentStore {
 public:
  // Opens or makes the file, and brings an older format up to the newest. Throws std::runtime_error naming the file and the fault (no database, newer format,
  // read-only, disk full). What lies inside is not looked at: check() does that, and every judgment that is looked up is checked by itself.
  static JudgmentStore open(const std::filesystem::path& file);
  // Opens a file that is there, changes nothing, not even an older format, and makes nothing beside it where that cannot be; works where neither the file nor
  // its folder can be written, while nobody else writes it. What needs to write throws std::runtime_error; of format 1 only find(), size() and identities() can
  // be asked.
  static JudgmentStore open_read_only(const std::filesystem::path& file);
  JudgmentStore(JudgmentStore&&) noexcept;
  JudgmentStore& operator=(JudgmentStore&&) noexcept;
  ~JudgmentStore();

  // Absolute.
  const std::filesystem::path& file() const;
  bool read_only() const;

  // What is known about each label of `question`, in order; unset where nothing is. Only scored and abstained verdicts are ever kept.
  std::vector<std::optional<Judgment>> find(const std::string& identity, const Question& question) const;
  // The same for many questions, faster: in the order of the keys, on all cores where there are many.
  std::vector<std::vector<std::optional<Judgment>>> find(const std::string& identity, std::span<const Question> questions) const;

  // Keeps the scored and abstained among `verdicts`, in one transaction: when it returns they survive the end of the process. A pair that is
  // there already stays as it was. Failed and missing ones are passed over; where there are no others, `usage` is kept alone, if it has tokens or a cost.
  // `raw`, what the teacher said word for word, is kept unless empty. Returns how many were not there before.
  int64_t put(const std::string& identity, const Question& question, std::span<const Verdict> verdicts, const Usage& usage = {}, const std::string& run = {},
              std::string_view raw = {});

  // When it returns what was put before survives a power cut, too.
  void flush();

  // Judgments, all teachers together.
  int64_t size() const;
  // Those of a teacher that uses this identity.
  int64_t size(const std::string& identity) const;
  // The identities in the store, sorted.
  std::vector<std::string> identities() const;
  // What the answers that a teacher gave, or a run got, cost together; unset means any. That of a run takes time by its own answers, not by the store's.
  UsageTotals usage(const std::optional<std::string>& identity = {}, const std::optional<std::string>& run = {}) const;
  Usage usage_of_run(const std::string& run) const { return usage({}, run).usage; }
  // The teachers in the store, by identity.
  std::vector<TeacherSummary> teachers() const;

  // Looks through everything: SQLite's own check, every checksum, every reference. Changes nothing.
  StoreCheck check(const std::stop_token& stop = {}) const;

  // Adds what `other` has, answers with their costs and raw texts included. What is here already stays as it was; an answer that is here already, in all it
  // says, is not added again. Many transactions: others may write meanwhile, and after a kill the same call does the rest.
  MergeCounts merge_from(const JudgmentStore& other, const std::stop_token& stop = {});
  // Compares what both have, by their keys. At most `max_listed` differences of each kind are listed.
  StoreDiff diff(const JudgmentStore& other, int64_t max_listed = 100, const std::stop_token& stop = {}) const;

  // Writes what the store has, of one teacher or of all, as JSON lines that import_json_lines() reads, in this store or another: nothing is lost on the way.
  // Throws std::invalid_argument where the store has nothing of this identity. Format: docs/formats/judgment-lines.md.
  void export_json_lines(const std::filesystem::path& file, const std::optional<std::string>& identity = {}, const std::stop_token& stop = {}) const;
  // Adds what a file has, plain or gzip, as merge_from() does. Throws std::runtime_error naming file and line, before anything is added, where it is not as it
  // should be.
  MergeCounts import_json_lines(const std::filesystem::path& file, const std::stop_token& stop = {});

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
