#include "lmtx/teacher/store/reader.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>

#include "lmtx/detail/fault.h"
#include "lmtx/detail/quote.h"
#include "lmtx/teacher/store/store_database.h"

namespace lmtx::detail {

int64_t JudgmentRow::meant_sum(std::string_view identity, const AnswerSource& source) const {
  const std::string_view run = source.run ? std::string_view(*source.run) : std::string_view();
  return JudgmentMeaning{.identity = identity, .key = key, .run = run, .document = source.document, .label = label, .score = score}.sum();
}

std::string JudgmentRow::fault(std::string_view identity, const AnswerSource& source) const {
  const bool is_whole = source.run && !(score < 0 || score > 1) && (!sum || *sum == meant_sum(identity, source));
  return is_whole ? "" : "the judgment of document " + quote(source.document) + " and label " + quote(label) + " is damaged.";
}

namespace {

// Who only reads takes the file as it is, so it must be looked at first.
bool find_sums(Database& database, const StoreFile& store) {
  if (!store.read_only) return true;
  if (!is_store(database, store.path)) throw std::runtime_error(store.path.string() + ": an empty database, but no judgment store of LMTX.");
  return database.integer("SELECT count(*) FROM pragma_table_info('judgments') WHERE name = 'sum'") > 0;
}

}  // namespace

StoreReader::StoreReader(const StoreFile& store)
    : file(store.path),
      database(store.path, store.read_only ? Database::Access::read_only : Database::Access::read_write, store_busy_timeout_ms),
      has_sums_(find_sums(database, store)),
      judgment_(database, has_sums_ ? "SELECT key, score, teacher, answer, label, sum FROM judgments WHERE key = ?1"
                                    : "SELECT key, score, teacher, answer, label, NULL FROM judgments WHERE key = ?1") {
  // The inner pages of ten million judgments.
  database.execute("PRAGMA cache_size = -32768");
}

void StoreReader::require_newest_format() {
  const int64_t format = database.integer("PRAGMA user_version");
  if (format == newest_store_format) return;
  fail(file.string(), "the judgment store has format " + std::to_string(format) +
                          ", and was opened for reading only; opened for writing once it becomes one of format " + std::to_string(newest_store_format) +
                          ", of which this can be asked.");
}

void StoreReader::find(const std::string& identity, std::span<Lookup> lookups) {
  // Neighbours share pages.
  std::sort(lookups.begin(), lookups.end(), [](const Lookup& a, const Lookup& b) { return a.key < b.key; });
  // One transaction, so that the file is locked and looked at once for all.
  Transaction transaction(database, Transaction::Kind::read);
  std::vector<std::pair<JudgmentRow, std::optional<Judgment>*>> rows;
  rows.reserve(lookups.size());
  for (const Lookup& lookup : lookups) {
    if (!judgment_.bind(1, std::span<const uint8_t>(lookup.key)).step()) continue;
    read(judgment_, rows.emplace_back(JudgmentRow{}, lookup.found).first);
    judgment_.reset();
  }
  std::vector<std::pair<int64_t, size_t>> by_answer;
  by_answer.reserve(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) by_answer.emplace_back(rows[i].first.answer, i);
  std::sort(by_answer.begin(), by_answer.end());
  // What was found in another transaction may be no more.
  source_answer_.reset();
  for (const auto& [answer, i] : by_answer) {
    const auto& [row, found] = rows[i];
    const AnswerSource& source = source_of(answer);
    check(row, identity, source);
    *found = Judgment{verdict_of(row.score), *source.run};
  }
  transaction.commit();
}

void StoreReader::read(const Statement& select, JudgmentRow& row) const {
  const std::span<const uint8_t> key = select.blob(0);
  if (key.size() != row.key.size()) fail(file.string(), "a key has " + std::to_string(key.size()) + " bytes, but must have 16.");
  std::memcpy(row.key.data(), key.data(), key.size());
  row.score = select.is_null(1) ? std::nan("") : select.real(1);
  row.teacher = select.integer(2);
  row.answer = select.integer(3);
  row.label = select.text(4);
  row.sum = select.is_null(5) ? std::nullopt : std::optional(select.integer(5));
}

const AnswerSource& StoreReader::source_of(int64_t answer) {
  if (source_answer_ == answer) return source_;
  const bool is_there = answer_.bind(1, answer).step();
  const std::string* run = is_there ? run_of(answer_.integer(0)) : nullptr;
  source_.run = run ? std::optional(*run) : std::nullopt;
  source_.document = is_there ? answer_.text(1) : "";
  source_answer_ = answer;
  answer_.reset();
  return source_;
}

void StoreReader::check(const JudgmentRow& row, std::string_view identity, const AnswerSource& source) const {
  if (const std::string fault = row.fault(identity, source); !fault.empty()) fail(file.string(), fault);
}

const std::string& StoreReader::identity_of(int64_t teacher) {
  static const std::string none;
  const std::string* identity = name_of(teacher, teachers_, teacher_);
  return identity ? *identity : none;
}

std::optional<int64_t> StoreReader::teacher(const std::string& identity) {
  Statement select(database, "SELECT id FROM teachers WHERE identity = ?1");
  return select.bind(1, identity).step() ? std::optional(select.integer(0)) : std::nullopt;
}

const std::string* StoreReader::name_of(int64_t id, Names& names, Statement& select) {
  const auto known = names.find(id);
  if (known != names.end()) return &known->second;
  if (!select.bind(1, id).step()) return nullptr;
  std::string name = select.text(0);
  select.reset();
  return &names.emplace(id, std::move(name)).first->second;
}

}  // namespace lmtx::detail
