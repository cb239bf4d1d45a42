// Everything in a store of judgments, answer by answer.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "lmtx/export.h"
#include "lmtx/teacher/judgment_store.h"
#include "lmtx/teacher/stored_answer.h"

namespace lmtx {

// Gives what the store held when it was made, whatever is put in meanwhile, in memory that does not grow with the store (SQLite sorts in temporary files).
// While it lives the log beside the store cannot shrink. Belongs to one thread.
class LMTX_API JudgmentExport {
 public:
  // Of one teacher, or of all where `identity` is unset. Throws std::invalid_argument where the store has nothing of this identity.
  explicit JudgmentExport(const JudgmentStore& store, const std::optional<std::string>& identity = {});
  JudgmentExport(JudgmentExport&&) noexcept;
  JudgmentExport& operator=(JudgmentExport&&) noexcept;
  ~JudgmentExport();

  // The next answer, as they were put; false at the end. Throws std::runtime_error naming the file where something is damaged.
  bool next(StoredAnswer& answer);
  // The number of the answer that next() gave last, in this store.
  int64_t number() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lmtx
