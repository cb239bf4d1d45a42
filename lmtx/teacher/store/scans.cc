#include "lmtx/teacher/store/scans.h"

#include <string>

#include "lmtx/detail/fault.h"
#include "lmtx/detail/quote.h"

namespace lmtx::detail {

namespace {

const char* select_of(JudgmentScan::Order order, bool of_one) {
  constexpr const char* all = "SELECT key, score, teacher, answer, label, sum FROM judgments ORDER BY key";
  constexpr const char* of_teacher = "SELECT key, score, teacher, answer, label, sum FROM judgments WHERE teacher = ?1 ORDER BY key";
  constexpr const char* all_by_answer = "SELECT key, score, teacher, answer, label, sum FROM judgments ORDER BY answer, key";
  constexpr const char* of_teacher_by_answer = "SELECT key, score, teacher, answer, label, sum FROM judgments WHERE teacher = ?1 ORDER BY answer, key";
  if (order == JudgmentScan::Order::key) return of_one ? of_teacher : all;
  return of_one ? of_teacher_by_answer : all_by_answer;
}

}  // namespace

AnswerMeaning meaning_of(const StoredAnswer& answer) {
  return {.identity = answer.identity, .run = answer.run, .document = answer.document, .time = answer.time, .usage = answer.usage, .raw = answer.raw};
}

namespace {

StoreReader& checked(StoreReader& reader) {
  reader.require_newest_format();
  return reader;
}

}  // namespace

JudgmentScan::JudgmentScan(StoreReader& reader, Order order, std::optional<int64_t> teacher)
    : reader_(checked(reader)), select_(reader.database, select_of(order, teacher.has_value())) {
  if (teacher) select_.bind(1, *teacher);
}

bool JudgmentScan::next(JudgmentRow& row) {
  if (!select_.step()) return false;
  reader_.read(select_, row);
  return true;
}

AnswerScan::AnswerScan(StoreReader& reader)
    : reader_(checked(reader)),
      select_(reader.database,
              "SELECT id, run, document, time, prompt_tokens, cached_tokens, completion_tokens, cost, seconds, teacher, raw, sum FROM answers ORDER BY id") {}

bool AnswerScan::next(StoredAnswer& answer) {
  if (!select_.step()) return false;
  id_ = select_.integer(0);
  answer.document = select_.text(2);
  const std::string* run = reader_.run_of(select_.integer(1));
  if (!run) fail(reader_.file.string(), "the answer for document " + quote(answer.document) + " belongs to no run.");
  answer.run = *run;
  answer.time = select_.integer(3);
  answer.usage = {.prompt_tokens = select_.integer(4),
                  .cached_tokens = select_.integer(5),
                  .completion_tokens = select_.integer(6),
                  .cost = select_.real(7),
                  .seconds = select_.real(8)};
  answer.identity = select_.is_null(9) ? "" : reader_.identity_of(select_.integer(9));
  answer.raw = select_.text(10);
  sum_ = select_.is_null(11) ? std::nullopt : std::optional(select_.integer(11));
  return true;
}

void AnswerScan::check(const StoredAnswer& answer) const {
  if (sum_ && *sum_ != meaning_of(answer).sum()) fail(reader_.file.string(), "the answer for document " + quote(answer.document) + " is damaged.");
}

}  // namespace lmtx::detail
