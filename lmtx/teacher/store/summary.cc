#include "lmtx/teacher/store/summary.h"

#include <algorithm>
#include <map>

namespace lmtx::detail {

namespace {

void add(UsageTotals& totals, const Usage& usage) {
  totals.usage = totals.usage + usage;
  ++totals.answers;
}

Usage read_usage(const Statement& select, int column) {
  return {.prompt_tokens = select.integer(column),
          .cached_tokens = select.integer(column + 1),
          .completion_tokens = select.integer(column + 2),
          .cost = select.real(column + 3),
          .seconds = select.real(column + 4)};
}

// Sums and counts here: SQLite would sort the rows first.
void add_judgments(StoreReader& reader, std::map<int64_t, TeacherSummary>& teachers) {
  Statement select(reader.database, "SELECT teacher, score FROM judgments");
  while (select.step()) {
    TeacherSummary& teacher = teachers[select.integer(0)];
    ++teacher.judgments;
    teacher.abstained += select.is_null(1);
    teacher.yes += !select.is_null(1) && select.real(1) >= 0.5;
  }
}

void add_answers(StoreReader& reader, std::map<int64_t, TeacherSummary>& teachers) {
  Statement select(reader.database,
                   "SELECT teacher, time, prompt_tokens, cached_tokens, completion_tokens, cost, seconds FROM answers WHERE teacher IS NOT NULL");
  while (select.step()) {
    TeacherSummary& teacher = teachers[select.integer(0)];
    const int64_t time = select.integer(1);
    const bool is_first = teacher.totals.answers == 0;
    teacher.first_time = is_first ? time : std::min(teacher.first_time, time);
    teacher.last_time = is_first ? time : std::max(teacher.last_time, time);
    add(teacher.totals, read_usage(select, 2));
  }
}

}  // namespace

UsageTotals usage_of(StoreReader& reader, const std::optional<std::string>& identity, const std::optional<std::string>& run) {
  reader.require_newest_format();
  // The index of runs serves where there is a run.
  Statement select(reader.database,
                   run ? "SELECT prompt_tokens, cached_tokens, completion_tokens, cost, seconds FROM answers "
                         "WHERE run = (SELECT id FROM runs WHERE name = ?2) AND (?1 IS NULL OR teacher = (SELECT id FROM teachers WHERE identity = ?1))"
                       : "SELECT prompt_tokens, cached_tokens, completion_tokens, cost, seconds FROM answers "
                         "WHERE ?1 IS NULL OR teacher = (SELECT id FROM teachers WHERE identity = ?1)");
  identity ? select.bind(1, *identity) : select.bind_null(1);
  if (run) select.bind(2, *run);
  UsageTotals totals;
  while (select.step()) add(totals, read_usage(select, 0));
  return totals;
}

std::vector<TeacherSummary> teachers_of(StoreReader& reader) {
  reader.require_newest_format();
  Transaction transaction(reader.database, Transaction::Kind::read);
  std::map<int64_t, TeacherSummary> by_id;
  add_judgments(reader, by_id);
  add_answers(reader, by_id);
  std::vector<TeacherSummary> teachers;
  for (auto& [id, teacher] : by_id) {
    teacher.identity = reader.identity_of(id);
    teachers.push_back(std::move(teacher));
  }
  std::sort(teachers.begin(), teachers.end(), [](const TeacherSummary& a, const TeacherSummary& b) { return a.identity < b.identity; });
  return teachers;
}

}  // namespace lmtx::detail
