#include "lmtx/teacher/store/check.h"

#include <stdexcept>
#include <string>

#include "lmtx/detail/quote.h"
#include "lmtx/stopped.h"
#include "lmtx/teacher/store/scans.h"

namespace lmtx::detail {

namespace {

constexpr size_t max_faults = 100;
constexpr int64_t rows_a_look = 10'000;

class Checker {
 public:
  Checker(const StoreFile& store, const std::stop_token& stop) : reader_(store), transaction_(reader_.database, Transaction::Kind::read), stop_(stop) {}

  StoreCheck run() {
    reader_.require_newest_format();
    // Each goes as far as the damage lets it.
    part([&] { check_database(); });
    part([&] { check_references(); });
    part([&] { check_answers(); });
    part([&] { check_judgments(); });
    return std::move(result_);
  }

 private:
  template <typename Check>
  void part(Check check) {
    try {
      check();
    } catch (const Stopped&) {
      throw;
    } catch (const std::runtime_error& error) {
      add(error.what());
    }
  }

  void add(const std::string& fault) {
    if (result_.faults.size() < max_faults) result_.faults.push_back(one_line(fault, 1000));
  }

  // Rows out of order are not found, values of a wrong type become zeros: SQLite itself passes over both.
  void check_database() {
    Statement check(reader_.database, "PRAGMA integrity_check");
    while (check.step()) {
      if (check.text(0) != "ok") add(check.text(0));
    }
  }

  void check_references() {
    Statement check(reader_.database, "PRAGMA foreign_key_check");
    while (check.step()) add("a row of `" + check.text(0) + "` belongs to a row of `" + check.text(2) + "` that is not there.");
  }

  void check_answers() {
    AnswerScan scan(reader_);
    for (StoredAnswer answer; scan.next(answer);) {
      if (result_.answers++ % rows_a_look == 0) check_stop(stop_);
      result_.without_sum += !scan.sum();
      part([&] { scan.check(answer); });
    }
  }

  void check_judgments() {
    JudgmentScan scan(reader_, JudgmentScan::Order::key);
    for (JudgmentRow row; scan.next(row);) {
      if (result_.judgments++ % rows_a_look == 0) check_stop(stop_);
      result_.without_sum += !row.sum;
      if (const std::string fault = row.fault(reader_.identity_of(row.teacher), reader_.source_of(row.answer)); !fault.empty()) add(fault);
    }
  }

  StoreReader reader_;
  Transaction transaction_;
  const std::stop_token stop_;
  StoreCheck result_;
};

}  // namespace

StoreCheck check_store(const StoreFile& store, const std::stop_token& stop) { return Checker(store, stop).run(); }

}  // namespace lmtx::detail
