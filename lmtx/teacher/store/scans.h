// Everything in a store, one after the other. Internal.
#pragma once

#include <cstdint>
#include <optional>

#include "lmtx/teacher/store/reader.h"
#include "lmtx/teacher/stored_answer.h"

namespace lmtx::detail {

// Both stand in a transaction of their reader, which must outlive them. What they need in memory does not grow with the store.

// All judgments, as they are: what is wrong with one is for the caller to ask.
class JudgmentScan {
 public:
  // By key is how they lie; by answer SQLite sorts them, in files where memory will not do.
  enum class Order { key, answer };

  // Of one teacher, by its id, or of all.
  JudgmentScan(StoreReader& reader, Order order, std::optional<int64_t> teacher = {});
  // False at the end.
  bool next(JudgmentRow& row);

 private:
  StoreReader& reader_;
  Statement select_;
};

// All answers by rising id, without their judgments.
class AnswerScan {
 public:
  explicit AnswerScan(StoreReader& reader);
  // False at the end. Throws std::runtime_error naming the file where the answer has no run. Identity: empty where the row does not say who answered.
  bool next(StoredAnswer& answer);
  // Of the answer that next() gave last.
  int64_t id() const { return id_; }
  // Unset where it has none.
  std::optional<int64_t> sum() const { return sum_; }
  // Throws std::runtime_error naming the file where the answer that next() gave last has another sum.
  void check(const StoredAnswer& answer) const;

 private:
  StoreReader& reader_;
  Statement select_;
  int64_t id_ = 0;
  std::optional<int64_t> sum_;
};

AnswerMeaning meaning_of(const StoredAnswer& answer);

}  // namespace lmtx::detail
