#include "lmtx/teacher/store/answer_cursor.h"

#include <stdexcept>
#include <utility>

#include "lmtx/detail/fault.h"
#include "lmtx/detail/quote.h"

namespace lmtx::detail {

namespace {

std::optional<int64_t> find_teacher(StoreReader& reader, const std::optional<std::string>& identity) {
  if (!identity) return {};
  const std::optional<int64_t> teacher = reader.teacher(*identity);
  if (!teacher) throw std::invalid_argument(reader.file.string() + ": no judgments by " + quote(*identity) + ".");
  return teacher;
}

}  // namespace

AnswerCursor::AnswerCursor(const StoreFile& store, const std::optional<std::string>& identity)
    : reader_(store),
      transaction_(reader_.database, Transaction::Kind::read),
      identity_(identity),
      answers_(reader_),
      judgments_(reader_, JudgmentScan::Order::answer, find_teacher(reader_, identity)),
      has_row_(judgments_.next(row_)) {}

bool AnswerCursor::next(StoredAnswer& answer) {
  // A statement that has come to its end would begin again.
  while (!is_done_ && answers_.next(answer)) {
    take_judgments(answer);
    answers_.check(answer);
    if (!identity_ || answer.identity == *identity_) return true;
  }
  is_done_ = true;
  if (has_row_) fail_alone();
  return false;
}

void AnswerCursor::take_judgments(StoredAnswer& answer) {
  answer.judgments.clear();
  if (has_row_ && row_.answer < answers_.id()) fail_alone();
  while (has_row_ && row_.answer == answers_.id()) {
    // Formats before the second did not say it of the answer.
    const std::string& identity = reader_.identity_of(row_.teacher);
    if (answer.judgments.empty() && !answers_.sum()) answer.identity = identity;
    if (answer.identity != identity) fail_alone();
    reader_.check(row_, identity, reader_.source_of(row_.answer));
    answer.judgments.push_back({.key = row_.key, .label = std::move(row_.label), .verdict = verdict_of(row_.score)});
    has_row_ = judgments_.next(row_);
  }
}

void AnswerCursor::fail_alone() const { fail(reader_.file.string(), "the judgment of label " + quote(row_.label) + " belongs to no answer of its teacher."); }

}  // namespace lmtx::detail
