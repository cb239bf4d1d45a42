// Puts judgments in. Internal.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "lmtx/teacher/store/format.h"
#include "lmtx/teacher/store/store_database.h"

namespace lmtx::detail {

// A connection for writing; belongs to one thread at a time. What it puts in must stand in a transaction.
class StoreWriter {
 public:
  explicit StoreWriter(const std::filesystem::path& file) : database(file) {}

  // The ids of names, which are added where they are new.
  int64_t teacher(std::string_view identity) { return intern(insert_teacher_, select_teacher_, identity); }
  int64_t run(std::string_view name) { return intern(insert_run_, select_run_, name); }
  // Returns the id. `teacher` and `run` are the ids of its identity and its run.
  int64_t add_answer(const AnswerMeaning& answer, int64_t teacher, int64_t run);
  // True where the key was not there before. A NaN score: abstained.
  bool add_judgment(const Digest& key, int64_t teacher, int64_t answer, std::string_view label, double score, int64_t sum);
  // Of a judgment that is there. NaN where abstained.
  double score_of(const Digest& key);

  StoreDatabase database;

 private:
  static int64_t intern(Statement& insert, Statement& select, std::string_view name);

  Statement insert_teacher_{database, "INSERT INTO teachers (identity) VALUES (?1) ON CONFLICT DO NOTHING"};
  Statement select_teacher_{database, "SELECT id FROM teachers WHERE identity = ?1"};
  Statement insert_run_{database, "INSERT INTO runs (name) VALUES (?1) ON CONFLICT DO NOTHING"};
  Statement select_run_{database, "SELECT id FROM runs WHERE name = ?1"};
  Statement answer_{database,
                    "INSERT INTO answers (run, document, time, prompt_tokens, cached_tokens, completion_tokens, cost, seconds, teacher, raw, sum) "
                    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"};
  Statement judgment_{database, "INSERT INTO judgments (key, teacher, answer, label, score, sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (key) DO NOTHING"};
  Statement select_score_{database, "SELECT score FROM judgments WHERE key = ?1"};
};

// One question's verdicts, for put().
struct Put {
  std::string_view identity;
  const Question& question;
  std::span<const Verdict> verdicts;
  Usage usage;
  std::string_view run;
  std::string_view raw;
};

// Keeps what is to be kept of it, in one transaction. Returns how many judgments were not there before.
int64_t put(StoreWriter& writer, const Put& put);

}  // namespace lmtx::detail
