#include "lmtx/teacher/store/writer.h"

#include <cmath>
#include <ctime>
#include <optional>
#include <utility>
#include <vector>

#include "lmtx/detail/quote.h"

namespace lmtx::detail {

int64_t StoreWriter::intern(Statement& insert, Statement& select, std::string_view name) {
  if (!select.bind(1, name).step()) {
    insert.bind(1, name).run();
    select.bind(1, name).step();
  }
  const int64_t id = select.integer(0);
  select.reset();
  return id;
}

int64_t StoreWriter::add_answer(const AnswerMeaning& answer, int64_t teacher, int64_t run) {
  answer_.bind(1, run).bind(2, answer.document).bind(3, answer.time);
  answer_.bind(4, answer.usage.prompt_tokens).bind(5, answer.usage.cached_tokens).bind(6, answer.usage.completion_tokens);
  answer_.bind(7, answer.usage.cost).bind(8, answer.usage.seconds).bind(9, teacher);
  answer.raw.empty() ? answer_.bind_null(10) : answer_.bind(10, answer.raw);
  answer_.bind(11, answer.sum()).run();
  return sqlite3_last_insert_rowid(database.handle());
}

bool StoreWriter::add_judgment(const Digest& key, int64_t teacher, int64_t answer, std::string_view label, double score, int64_t sum) {
  judgment_.bind(1, std::span<const uint8_t>(key)).bind(2, teacher).bind(3, answer).bind(4, label).bind(6, sum);
  std::isnan(score) ? judgment_.bind_null(5) : judgment_.bind(5, score);
  judgment_.run();
  return sqlite3_changes(database.handle()) > 0;
}

double StoreWriter::score_of(const Digest& key) {
  select_score_.bind(1, std::span<const uint8_t>(key));
  const double score = select_score_.step() && !select_score_.is_null(0) ? select_score_.real(0) : std::nan("");
  select_score_.reset();
  return score;
}

namespace {

bool is_kept(const Verdict& verdict) { return verdict.kind() == Verdict::Kind::scored || verdict.kind() == Verdict::Kind::abstained; }

// Not a number would be NULL to SQLite; no reason to lose a verdict that was paid for.
Usage finite(Usage usage) {
  if (!std::isfinite(usage.cost)) usage.cost = 0;
  if (!std::isfinite(usage.seconds)) usage.seconds = 0;
  return usage;
}

// In tokens or money: that something failed is no reason to keep how long it took.
bool costs(const Usage& usage) { return usage.prompt_tokens != 0 || usage.cached_tokens != 0 || usage.completion_tokens != 0 || usage.cost != 0; }

// With U+FFFD in place of each byte that is no UTF-8.
std::string to_utf8(std::string_view text) {
  std::string utf8;
  for (size_t invalid; (invalid = find_invalid_utf8(text)) != std::string_view::npos; text.remove_prefix(invalid + 1)) {
    utf8.append(text.substr(0, invalid)).append("\xEF\xBF\xBD");
  }
  return utf8.append(text);
}

// What is to be kept, with keys.
std::vector<std::pair<size_t, Digest>> kept_of(const Put& put) {
  const QuestionKeys key_of(put.identity, put.question);
  std::vector<std::pair<size_t, Digest>> kept;
  for (size_t i = 0; i < put.verdicts.size(); ++i) {
    if (is_kept(put.verdicts[i])) kept.emplace_back(i, key_of(put.question.labels[i]));
  }
  return kept;
}

}  // namespace

int64_t put(StoreWriter& writer, const Put& put) {
  const Usage usage = finite(put.usage);
  const auto kept = kept_of(put);
  if (kept.empty() && !costs(usage)) return 0;

  const std::string raw = to_utf8(put.raw);
  Transaction transaction(writer.database, Transaction::Kind::write);
  const int64_t teacher = writer.teacher(put.identity);
  const AnswerMeaning meaning{
      .identity = put.identity, .run = put.run, .document = put.question.uid, .time = static_cast<int64_t>(std::time(nullptr)), .usage = usage, .raw = raw};
  const int64_t answer = writer.add_answer(meaning, teacher, writer.run(put.run));
  int64_t num_new = 0;
  for (const auto& [i, key] : kept) {
    const std::string_view label = put.question.labels[i].uid;
    const double score = score_or_nan(put.verdicts[i]);
    const JudgmentMeaning judgment{.identity = put.identity, .key = key, .run = put.run, .document = put.question.uid, .label = label, .score = score};
    num_new += writer.add_judgment(key, teacher, answer, label, score, judgment.sum());
  }
  // An answer that says nothing counts for what it cost; one that is put again does not.
  if (num_new > 0 || kept.empty()) transaction.commit();
  return num_new;
}

}  // namespace lmtx::detail
