// What a run may still spend, by its budget and by what its answers cost so far. Internal.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "lmtx/teacher/budget.h"
#include "lmtx/teacher/judgment_store.h"
#include "lmtx/train/spending.h"

namespace lmtx {

// The store must outlive it. Pairs are counted by the stages, tokens and money by the store, so that they come out the same however often the run was
// interrupted.
class Accounts {
 public:
  Accounts(std::string run, Budget budget, const JudgmentStore& store) : run_(std::move(run)), budget_(budget), store_(store) {}

  const Budget& budget() const { return budget_; }
  // Whether the teacher has to be asked what questions are expected to take.
  bool limits_usage() const { return budget_.tokens || budget_.cost; }
  // What may be spent, where `pairs` are charged already.
  Spending spending(int64_t pairs) const { return Spending(budget_, pairs, limits_usage() ? used() : Usage{}); }
  // What the run's answers cost so far.
  Usage used() const { return store_.usage_of_run(run_); }

 private:
  std::string run_;
  Budget budget_;
  const JudgmentStore& store_;
};

}  // namespace lmtx
