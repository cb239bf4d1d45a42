// Stores that earlier versions of LMTX made.
#include <string_view>

#include "lmtx/teacher/store/format.h"
#include "lmtx/teacher/store/store_database.h"

namespace lmtx::detail {

namespace {

std::string_view text_of(sqlite3_value* value) {
  const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(value));
  return text ? std::string_view(text, static_cast<size_t>(sqlite3_value_bytes(value))) : std::string_view();
}

// answer_sum(identity, run, document, time, prompt_tokens, cached_tokens, completion_tokens, cost, seconds, raw); NULL for an answer of nobody.
void answer_sum(sqlite3_context* context, int /*count*/, sqlite3_value** values) {
  if (sqlite3_value_type(values[0]) == SQLITE_NULL || sqlite3_value_type(values[1]) == SQLITE_NULL) return sqlite3_result_null(context);
  const Usage usage{.prompt_tokens = sqlite3_value_int64(values[4]),
                    .cached_tokens = sqlite3_value_int64(values[5]),
                    .completion_tokens = sqlite3_value_int64(values[6]),
                    .cost = sqlite3_value_double(values[7]),
                    .seconds = sqlite3_value_double(values[8])};
  const AnswerMeaning meaning{.identity = text_of(values[0]),
                              .run = text_of(values[1]),
                              .document = text_of(values[2]),
                              .time = sqlite3_value_int64(values[3]),
                              .usage = usage,
                              .raw = text_of(values[9])};
  sqlite3_result_int64(context, meaning.sum());
}

void register_answer_sum(Database& database) {
  const int code =
      sqlite3_create_function_v2(database.handle(), "answer_sum", 10, SQLITE_UTF8 | SQLITE_DETERMINISTIC, nullptr, answer_sum, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) database.fail(code);
}

// The first stores of format 1 had no checksums; what is in them stays without.
void add_judgment_sums(Database& database) {
  const bool has_sums = database.integer("SELECT count(*) FROM pragma_table_info('judgments') WHERE name = 'sum'") > 0;
  if (!has_sums) database.execute("ALTER TABLE judgments ADD COLUMN sum INTEGER");
}

// Answers say who gave them, what was said, and have a checksum; those of a run are found by an index.
void to_format_2(Database& database) {
  add_judgment_sums(database);
  register_answer_sum(database);
  database.execute(R"sql(
ALTER TABLE answers ADD COLUMN teacher INTEGER REFERENCES teachers;
ALTER TABLE answers ADD COLUMN raw TEXT;
ALTER TABLE answers ADD COLUMN sum INTEGER;
CREATE TEMP TABLE teacher_of (answer INTEGER PRIMARY KEY, teacher INTEGER);
INSERT INTO temp.teacher_of SELECT answer, min(teacher) FROM judgments GROUP BY answer;
UPDATE answers SET teacher = (SELECT teacher FROM temp.teacher_of WHERE answer = answers.id);
UPDATE answers SET sum = answer_sum((SELECT identity FROM teachers WHERE id = answers.teacher), (SELECT name FROM runs WHERE id = answers.run), document, time,
                                    prompt_tokens, cached_tokens, completion_tokens, cost, seconds, raw);
DROP TABLE temp.teacher_of;
CREATE INDEX answers_of_run ON answers (run);
PRAGMA user_version = 2;
)sql");
}

int64_t format_of(Database& database) { return database.integer("PRAGMA user_version"); }

}  // namespace

void migrate_store(Database& database) {
  if (format_of(database) == newest_store_format) return;
  Transaction transaction(database, Transaction::Kind::write);
  // Another process may have been faster.
  if (format_of(database) == 1) to_format_2(database);
  transaction.commit();
}

}  // namespace lmtx::detail
