#include "lmtx/teacher/store/bulk_writer.h"

#include <cmath>

#include "lmtx/detail/fault.h"
#include "lmtx/stopped.h"

namespace lmtx::detail {

namespace {

// Short enough for others to wait for, long enough for what a transaction costs.
constexpr int64_t judgments_a_transaction = 100'000;
// Between two looks at the stop token.
constexpr int64_t answers_a_look = 1000;

bool same_score(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

}  // namespace

BulkWriter::BulkWriter(const std::filesystem::path& file) : file_(file), writer_(file) {
  writer_.database.execute(R"sql(
PRAGMA temp.cache_size = -32768;
CREATE TEMP TABLE known (sum INTEGER, answer INTEGER, PRIMARY KEY (sum, answer)) WITHOUT ROWID;
CREATE TEMP TABLE places (number INTEGER PRIMARY KEY, answer INTEGER);
)sql");
  select_known_.emplace(writer_.database, "SELECT answer FROM temp.known WHERE sum = ?1 ORDER BY answer LIMIT 1");
  take_known_.emplace(writer_.database, "DELETE FROM temp.known WHERE sum = ?1 AND answer = ?2");
  insert_place_.emplace(writer_.database, "INSERT INTO temp.places VALUES (?1, ?2)");
  select_place_.emplace(writer_.database, "SELECT answer FROM temp.places WHERE number = ?1");
}

void BulkWriter::add_answers(const std::vector<std::string>& runs, const Answers& answers, std::stop_token stop) {
  stop_ = std::move(stop);
  Transaction transaction(writer_.database, Transaction::Kind::write);
  list_known(runs);
  int64_t count = 0;
  answers([&](const NumberedAnswer& answer) {
    if (++count % answers_a_look == 0) check_stop(stop_);
    add_answer(answer);
  });
  transaction.commit();
}

// Only what is of the same run can be equal.
void BulkWriter::list_known(const std::vector<std::string>& runs) {
  Statement insert(writer_.database,
                   "INSERT INTO temp.known SELECT sum, id FROM answers WHERE run = (SELECT id FROM runs WHERE name = ?1) AND sum IS NOT NULL");
  for (const std::string& run : runs) insert.bind(1, run).run();
  knows_any_ = writer_.database.integer("SELECT count(*) FROM (SELECT 1 FROM temp.known LIMIT 1)") > 0;
}

void BulkWriter::add_answer(const NumberedAnswer& answer) {
  std::optional<int64_t> id = take_known(answer.meaning.sum());
  if (!id) {
    const int64_t teacher = id_of(teachers_, answer.meaning.identity, &StoreWriter::teacher);
    id = writer_.add_answer(answer.meaning, teacher, id_of(runs_, answer.meaning.run, &StoreWriter::run));
    ++counts_.answers;
  }
  insert_place_->bind(1, answer.number).bind(2, *id).run();
}

std::optional<int64_t> BulkWriter::take_known(int64_t sum) {
  if (!knows_any_ || !select_known_->bind(1, sum).step()) return {};
  const int64_t answer = select_known_->integer(0);
  select_known_->reset();
  take_known_->bind(1, sum).bind(2, answer).run();
  return answer;
}

int64_t BulkWriter::id_of(std::unordered_map<std::string, int64_t>& ids, std::string_view name, int64_t (StoreWriter::*intern)(std::string_view)) {
  const auto [entry, is_new] = ids.try_emplace(std::string(name), 0);
  if (is_new) entry->second = (writer_.*intern)(name);
  return entry->second;
}

int64_t BulkWriter::place_of(int64_t number) {
  if (!select_place_->bind(1, number).step()) fail(file_.string(), "a judgment came without its answer; this is a bug in LMTX.");
  const int64_t answer = select_place_->integer(0);
  select_place_->reset();
  return answer;
}

void BulkWriter::add_judgment(const NumberedJudgment& judgment) {
  if (!transaction_) {
    check_stop(stop_);
    transaction_.emplace(writer_.database, Transaction::Kind::write);
    in_transaction_ = 0;
  }
  const int64_t teacher = id_of(teachers_, judgment.identity, &StoreWriter::teacher);
  if (writer_.add_judgment(judgment.key, teacher, place_of(judgment.answer), judgment.label, judgment.score, judgment.sum))
    ++counts_.judgments;
  else if (same_score(writer_.score_of(judgment.key), judgment.score))
    ++counts_.same;
  else
    ++counts_.conflicts;
  if (++in_transaction_ < judgments_a_transaction) return;
  transaction_->commit();
  transaction_.reset();
}

MergeCounts BulkWriter::finish() {
  if (transaction_) transaction_->commit();
  transaction_.reset();
  return counts_;
}

}  // namespace lmtx::detail
