#include "lmtx/teacher/judgment_import.h"

#include <cmath>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "lmtx/detail/quote.h"
#include "lmtx/stopped.h"
#include "lmtx/teacher/store/bulk_writer.h"
#include "lmtx/teacher/store/scans.h"

namespace lmtx {

using detail::Statement;
using detail::Transaction;

namespace {

void check_answer(const StoredAnswer& answer) {
  if (!std::isfinite(answer.usage.cost) || !std::isfinite(answer.usage.seconds)) {
    throw std::invalid_argument("The usage of the answer for document " + detail::quote(answer.document) + " is not finite.");
  }
  for (const StoredJudgment& judgment : answer.judgments) {
    if (judgment.verdict.scored() || judgment.verdict.kind() == Verdict::Kind::abstained) continue;
    throw std::invalid_argument("The judgment of document " + detail::quote(answer.document) + " and label " + detail::quote(judgment.label) +
                                " is neither scored nor abstained.");
  }
}

void make_tables(detail::Database& database) {
  database.execute(R"sql(
CREATE TEMP TABLE new_answers (number INTEGER PRIMARY KEY, identity TEXT, run TEXT, document TEXT, time INTEGER, prompt_tokens INTEGER, cached_tokens INTEGER,
                               completion_tokens INTEGER, cost REAL, seconds REAL, raw TEXT);
CREATE TEMP TABLE new_judgments (key BLOB, answer INTEGER, label TEXT, score REAL, sum INTEGER);
)sql");
}

}  // namespace

struct JudgmentImport::Impl {
  explicit Impl(const std::filesystem::path& path) : bulk(path), database(bulk.writer().database) {
    make_tables(database);
    insert_answer.emplace(database, "INSERT OR IGNORE INTO temp.new_answers VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)");
    insert_judgment.emplace(database, "INSERT INTO temp.new_judgments VALUES (?1, ?2, ?3, ?4, ?5)");
    // Only of temporary tables.
    staging.emplace(database, Transaction::Kind::read);
  }

  void add_answer(int64_t number, const StoredAnswer& answer);
  void check_same(int64_t number, const StoredAnswer& answer);
  void add_judgment(int64_t number, const StoredAnswer& answer, const StoredJudgment& judgment);
  std::vector<std::string> runs();
  void read_answers(const std::function<void(const detail::NumberedAnswer&)>& use);
  void move_judgments();

  detail::BulkWriter bulk;
  detail::Database& database;
  std::optional<Statement> insert_answer, insert_judgment;
  std::optional<Transaction> staging;
};

void JudgmentImport::Impl::add_answer(int64_t number, const StoredAnswer& answer) {
  insert_answer->bind(1, number).bind(2, answer.identity).bind(3, answer.run).bind(4, answer.document).bind(5, answer.time);
  insert_answer->bind(6, answer.usage.prompt_tokens).bind(7, answer.usage.cached_tokens).bind(8, answer.usage.completion_tokens);
  insert_answer->bind(9, answer.usage.cost).bind(10, answer.usage.seconds).bind(11, answer.raw).run();
  if (sqlite3_changes(database.handle()) == 0) check_same(number, answer);
}

// A judgment's sum covers what its answer says.
void JudgmentImport::Impl::check_same(int64_t number, const StoredAnswer& answer) {
  Statement select(database, "SELECT identity, run, document FROM temp.new_answers WHERE number = ?1");
  select.bind(1, number).step();
  if (select.text(0) == answer.identity && select.text(1) == answer.run && select.text(2) == answer.document) return;
  throw std::invalid_argument("Answer " + std::to_string(number) + " was for document " + detail::quote(select.text(2)) +
                              " before, or of another teacher or run, but is for document " + detail::quote(answer.document) + " now.");
}

void JudgmentImport::Impl::add_judgment(int64_t number, const StoredAnswer& answer, const StoredJudgment& judgment) {
  const double score = detail::score_or_nan(judgment.verdict);
  const detail::JudgmentMeaning meaning{
      .identity = answer.identity, .key = judgment.key, .run = answer.run, .document = answer.document, .label = judgment.label, .score = score};
  insert_judgment->bind(1, std::span<const uint8_t>(judgment.key)).bind(2, number).bind(3, judgment.label).bind(5, meaning.sum());
  std::isnan(score) ? insert_judgment->bind_null(4) : insert_judgment->bind(4, score);
  insert_judgment->run();
}

std::vector<std::string> JudgmentImport::Impl::runs() {
  std::vector<std::string> runs;
  Statement select(database, "SELECT DISTINCT run FROM temp.new_answers");
  while (select.step()) runs.push_back(select.text(0));
  return runs;
}

void JudgmentImport::Impl::read_answers(const std::function<void(const detail::NumberedAnswer&)>& use) {
  Statement select(database, "SELECT * FROM temp.new_answers ORDER BY number");
  while (select.step()) {
    const std::string identity = select.text(1), run = select.text(2), document = select.text(3), raw = select.text(10);
    const Usage usage{.prompt_tokens = select.integer(5),
                      .cached_tokens = select.integer(6),
                      .completion_tokens = select.integer(7),
                      .cost = select.real(8),
                      .seconds = select.real(9)};
    use({.number = select.integer(0),
         .meaning = {.identity = identity, .run = run, .document = document, .time = select.integer(4), .usage = usage, .raw = raw}});
  }
}

void JudgmentImport::Impl::move_judgments() {
  Statement select(database, "SELECT key, answer, label, score, sum, identity FROM temp.new_judgments JOIN temp.new_answers ON number = answer ORDER BY key");
  while (select.step()) {
    const std::string label = select.text(2), identity = select.text(5);
    detail::Digest key = {};
    std::ranges::copy(select.blob(0), key.begin());
    const double score = select.is_null(3) ? std::nan("") : select.real(3);
    bulk.add_judgment({.answer = select.integer(1), .identity = identity, .key = key, .label = label, .score = score, .sum = select.integer(4)});
  }
}

JudgmentImport::JudgmentImport(const JudgmentStore& store) {
  if (store.read_only()) throw std::runtime_error(store.file().string() + ": the judgment store was opened for reading only.");
  impl_ = std::make_unique<Impl>(store.file());
}
JudgmentImport::JudgmentImport(JudgmentImport&&) noexcept = default;
JudgmentImport& JudgmentImport::operator=(JudgmentImport&&) noexcept = default;
JudgmentImport::~JudgmentImport() = default;

void JudgmentImport::add(int64_t number, const StoredAnswer& answer) {
  check_answer(answer);
  impl_->add_answer(number, answer);
  for (const StoredJudgment& judgment : answer.judgments) impl_->add_judgment(number, answer, judgment);
}

MergeCounts JudgmentImport::finish(const std::stop_token& stop) {
  impl_->staging->commit();
  impl_->bulk.add_answers(impl_->runs(), [&](const auto& add) { impl_->read_answers(add); }, stop);
  impl_->move_judgments();
  return impl_->bulk.finish();
}

}  // namespace lmtx
