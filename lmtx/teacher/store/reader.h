// Looks judgments up. Internal.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lmtx/detail/sqlite.h"
#include "lmtx/teacher/judgment_store.h"
#include "lmtx/teacher/store/format.h"

namespace lmtx::detail {

// A pair that is looked up, and where what is found goes.
struct Lookup {
  Digest key;
  std::optional<Judgment>* found;
};

// A store's file, and whether it is only read: by nobody's writing connection in this JudgmentStore, and maybe from where nothing can be written.
struct StoreFile {
  std::filesystem::path path;
  bool read_only = false;
};

// What a judgment's answer says of it. The run is unset where it, or the answer, is not there.
struct AnswerSource {
  std::optional<std::string> run;
  std::string document;
};

// The row of a judgment.
struct JudgmentRow {
  Digest key = {};
  // NaN where abstained.
  double score = 0;
  // Ids.
  int64_t teacher = 0, answer = 0;
  std::string label = {};
  // Unset in stores that had none.
  std::optional<int64_t> sum = {};

  // The sum that it must have.
  int64_t meant_sum(std::string_view identity, const AnswerSource& source) const;
  // What is wrong with it, empty where nothing is.
  std::string fault(std::string_view identity, const AnswerSource& source) const;
};

// A connection for reading; belongs to one thread at a time, and never waits for whoever writes.
class StoreReader {
 public:
  explicit StoreReader(const StoreFile& store);

  // Looks these up, in the order of their keys, and sorts them so. Throws std::runtime_error where a judgment is damaged.
  void find(const std::string& identity, std::span<Lookup> lookups);

  // Sets all of `row` that stands in its own columns.
  void read(const Statement& select, JudgmentRow& row) const;
  // Of an answer, by its id; until the next call.
  const AnswerSource& source_of(int64_t answer);
  // The name of a run; null where there is none.
  const std::string* run_of(int64_t run) { return name_of(run, runs_, run_); }
  // The identity of a teacher; empty where there is none.
  const std::string& identity_of(int64_t teacher);

  // Throws std::runtime_error naming the file where the row is damaged.
  void check(const JudgmentRow& row, std::string_view identity, const AnswerSource& source) const;
  // The id of a teacher, unset where there is none.
  std::optional<int64_t> teacher(const std::string& identity);

  // Throws std::runtime_error where the store has an older format, as one that is only read may: to find judgments, that will do.
  void require_newest_format();

  const std::filesystem::path file;
  Database database;

 private:
  const bool has_sums_;

  using Names = std::unordered_map<int64_t, std::string>;
  // Looks a name up and remembers it; null where it is not there.
  static const std::string* name_of(int64_t id, Names& names, Statement& select);

  Statement judgment_;
  Statement answer_{database, "SELECT run, document FROM answers WHERE id = ?1"};
  Statement run_{database, "SELECT name FROM runs WHERE id = ?1"};
  Statement teacher_{database, "SELECT identity FROM teachers WHERE id = ?1"};
  Names runs_, teachers_;
  // What source_of() found last.
  std::optional<int64_t> source_answer_;
  AnswerSource source_;
};

}  // namespace lmtx::detail
