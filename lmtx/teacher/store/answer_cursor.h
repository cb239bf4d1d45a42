// The answers of a store one by one, with their judgments. Internal.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "lmtx/teacher/store/scans.h"

namespace lmtx::detail {

// By rising id, as the store was when the cursor was made. Belongs to one thread.
class AnswerCursor {
 public:
  // Of one teacher, or of all where `identity` is unset. Throws std::invalid_argument where the store has nothing of this identity.
  explicit AnswerCursor(const StoreFile& store, const std::optional<std::string>& identity = {});
  AnswerCursor(const AnswerCursor&) = delete;
  AnswerCursor& operator=(const AnswerCursor&) = delete;

  // False at the end. Throws std::runtime_error naming the file where something is damaged.
  bool next(StoredAnswer& answer);
  // Of the answer that next() gave last, in the store.
  int64_t id() const { return answers_.id(); }

 private:
  void take_judgments(StoredAnswer& answer);
  [[noreturn]] void fail_alone() const;

  StoreReader reader_;
  Transaction transaction_;
  const std::optional<std::string> identity_;
  AnswerScan answers_;
  JudgmentScan judgments_;
  // The judgment that comes next, where there is one.
  JudgmentRow row_;
  bool has_row_ = false;
  bool is_done_ = false;
};

}  // namespace lmtx::detail
