#include "lmtx/teacher/store/merge.h"

#include <cmath>
#include <string>
#include <vector>

#include "lmtx/detail/digest.h"
#include "lmtx/stopped.h"
#include "lmtx/teacher/store/bulk_writer.h"
#include "lmtx/teacher/store/scans.h"

namespace lmtx::detail {

namespace {

std::vector<std::string> runs_of(StoreReader& reader) {
  std::vector<std::string> runs;
  Statement select(reader.database, "SELECT name FROM runs");
  while (select.step()) runs.push_back(select.text(0));
  return runs;
}

// One side of a comparison: its judgments by rising key.
class Side {
 public:
  explicit Side(const StoreFile& store) : reader_(store), transaction_(reader_.database, Transaction::Kind::read), scan_(reader_, JudgmentScan::Order::key) {
    advance();
  }

  bool at_end() const { return !has_row_; }
  const JudgmentRow& row() const { return row_; }
  const std::string& identity() { return reader_.identity_of(row_.teacher); }
  const std::string& document() { return reader_.source_of(row_.answer).document; }
  Verdict verdict() const { return verdict_of(row_.score); }

  void advance() {
    has_row_ = scan_.next(row_);
    if (!has_row_) return;
    reader_.check(row_, identity(), reader_.source_of(row_.answer));
  }

 private:
  StoreReader reader_;
  Transaction transaction_;
  JudgmentScan scan_;
  JudgmentRow row_;
  bool has_row_ = false;
};

// What is counted and listed of what differs.
class DiffBook {
 public:
  explicit DiffBook(int64_t max_listed) : max_listed_(max_listed) {}

  void add_both(Side& here, Side& there) {
    if (here.verdict() == there.verdict()) {
      ++diff_.same;
    } else {
      list(++diff_.conflicts, here, here.verdict(), there.verdict());
    }
  }
  void add_here(Side& here) { list(++diff_.only_here, here, here.verdict(), {}); }
  void add_there(Side& there) { list(++diff_.only_there, there, {}, there.verdict()); }
  StoreDiff take() { return std::move(diff_); }

 private:
  void list(int64_t count, Side& side, std::optional<Verdict> here, std::optional<Verdict> there) {
    if (count > max_listed_) return;
    diff_.differences.push_back({.key = side.row().key,
                                 .identity = side.identity(),
                                 .document = side.document(),
                                 .label = side.row().label,
                                 .here = std::move(here),
                                 .there = std::move(there)});
  }

  const int64_t max_listed_;
  StoreDiff diff_;
};

// Steps of a loop over judgments between two looks at the stop token.
constexpr int64_t judgments_a_look = 10'000;

}  // namespace

MergeCounts merge_stores(const std::filesystem::path& into, const StoreFile& from, const std::stop_token& stop) {
  StoreReader reader(from);
  // What is put into the other store meanwhile stays out.
  Transaction snapshot(reader.database, Transaction::Kind::read);
  BulkWriter writer(into);
  const auto all_answers = [&](const auto& add) {
    AnswerScan answers(reader);
    for (StoredAnswer answer; answers.next(answer);) {
      answers.check(answer);
      add({.number = answers.id(), .meaning = meaning_of(answer)});
    }
  };
  writer.add_answers(runs_of(reader), all_answers, stop);
  JudgmentScan judgments(reader, JudgmentScan::Order::key);
  for (JudgmentRow row; judgments.next(row);) {
    const std::string& identity = reader.identity_of(row.teacher);
    const AnswerSource& source = reader.source_of(row.answer);
    reader.check(row, identity, source);
    writer.add_judgment(
        {.answer = row.answer, .identity = identity, .key = row.key, .label = row.label, .score = row.score, .sum = row.meant_sum(identity, source)});
  }
  return writer.finish();
}

StoreDiff diff_stores(const StoreFile& here_file, const StoreFile& there_file, int64_t max_listed, const std::stop_token& stop) {
  Side here(here_file), there(there_file);
  DiffBook book(max_listed);
  for (int64_t step = 0; !here.at_end() || !there.at_end(); ++step) {
    if (step % judgments_a_look == 0) check_stop(stop);
    const bool has_here = !here.at_end() && (there.at_end() || here.row().key <= there.row().key);
    const bool has_there = !there.at_end() && (here.at_end() || there.row().key <= here.row().key);
    if (has_here && has_there)
      book.add_both(here, there);
    else if (has_here)
      book.add_here(here);
    else
      book.add_there(there);
    if (has_here) here.advance();
    if (has_there) there.advance();
  }
  return book.take();
}

}  // namespace lmtx::detail
