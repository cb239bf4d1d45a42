// Answers from elsewhere, put into a store of judgments.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>

#include "lmtx/export.h"
#include "lmtx/teacher/judgment_store.h"
#include "lmtx/teacher/stored_answer.h"

namespace lmtx {

// Takes any number of answers, in any order, in memory that does not grow with them (SQLite keeps them in temporary files; the variable SQLITE_TMPDIR says
// where), and puts them into the store sorted, so that ten million take minutes. Nothing is in the store before finish(). Belongs to one thread; the store may
// be used meanwhile.
class LMTX_API JudgmentImport {
 public:
  explicit JudgmentImport(const JudgmentStore& store);
  JudgmentImport(JudgmentImport&&) noexcept;
  JudgmentImport& operator=(JudgmentImport&&) noexcept;
  ~JudgmentImport();

  // One with a number that came before only adds its judgments to that one.
  // Throws std::invalid_argument for a judgment that is neither scored nor abstained, and usage that is not finite.
  void add(int64_t number, const StoredAnswer& answer);
  // Judgments that the store has already stay as they are, and answers that it has already, in all they say, are not added again: after a kill the same import
  // does the rest. To be called once. Throws Stopped.
  MergeCounts finish(const std::stop_token& stop = {});

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lmtx
