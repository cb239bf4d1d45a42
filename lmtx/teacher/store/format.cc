#include "lmtx/teacher/store/format.h"

#include <cmath>
#include <cstring>

namespace lmtx::detail {

// Keys are digests, so rows lie in random order, and the table is its own index. What many judgments share lies in `answers`, one row a put().
const char* const store_schema = R"sql(
CREATE TABLE teachers (id INTEGER PRIMARY KEY, identity TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE runs (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE answers (
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL REFERENCES runs,
  document TEXT NOT NULL,           -- uid
  time INTEGER NOT NULL,            -- seconds since 1970, UTC
  prompt_tokens INTEGER NOT NULL,
  cached_tokens INTEGER NOT NULL,
  completion_tokens INTEGER NOT NULL,
  cost REAL NOT NULL,
  seconds REAL NOT NULL,
  teacher INTEGER REFERENCES teachers,
  raw TEXT,                         -- what the teacher said; NULL: not kept
  sum INTEGER                       -- over all that the row means
) STRICT;
CREATE INDEX answers_of_run ON answers (run);
CREATE TABLE judgments (
  key BLOB NOT NULL PRIMARY KEY,    -- 16 bytes
  teacher INTEGER NOT NULL REFERENCES teachers,
  answer INTEGER NOT NULL REFERENCES answers,
  label TEXT NOT NULL,              -- uid
  score REAL CHECK (score BETWEEN 0 AND 1),  -- NULL: abstained
  sum INTEGER                       -- over all that the row means; NULL in stores that had none
) STRICT, WITHOUT ROWID;
PRAGMA application_id = 0x4c4d5458;
PRAGMA user_version = 2;
)sql";

namespace {

int64_t first_half(const Digest& digest) {
  int64_t half = 0;
  std::memcpy(&half, digest.data(), sizeof half);
  return half;
}

// SQLite keeps no -0.
std::string_view bytes_of(const double& plain) { return {reinterpret_cast<const char*>(&plain), sizeof plain}; }

}  // namespace

QuestionKeys::QuestionKeys(std::string_view identity, const Question& question) {
  constexpr uint8_t version = 1;
  document_.add_raw(&version, 1).add(identity).add(question.title).add(question.content);
}

Digest QuestionKeys::operator()(const LabelToJudge& label) const { return Hasher(document_).add(label.name).add(label.description).finish(); }

int64_t JudgmentMeaning::sum() const {
  Hasher hasher;
  const double plain = score + 0.0;
  hasher.add("judgment 1").add(identity).add_raw(key.data(), key.size()).add(run).add(document).add(label);
  hasher.add(std::isnan(score) ? std::string_view("abstained") : bytes_of(plain));
  return first_half(hasher.finish());
}

int64_t AnswerMeaning::sum() const {
  Hasher hasher;
  const double cost = usage.cost + 0.0, seconds = usage.seconds + 0.0;
  hasher.add("answer 1").add(identity).add(run).add(document).add(time);
  hasher.add(usage.prompt_tokens).add(usage.cached_tokens).add(usage.completion_tokens).add(bytes_of(cost)).add(bytes_of(seconds)).add(raw);
  return first_half(hasher.finish());
}

double score_or_nan(const Verdict& verdict) { return verdict.scored() ? verdict.score() : std::nan(""); }

Verdict verdict_of(double score_or_nan) { return std::isnan(score_or_nan) ? Verdict::abstain() : Verdict::score(score_or_nan); }

}  // namespace lmtx::detail
