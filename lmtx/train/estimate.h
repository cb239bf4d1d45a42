// What a plan will take of the teacher: tokens, money and hours, from a sample of questions like those that it will ask. Internal.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "lmtx/corpus/corpus.h"
#include "lmtx/corpus/label_set.h"
#include "lmtx/export.h"
#include "lmtx/teacher/budget.h"
#include "lmtx/teacher/judgment_store.h"
#include "lmtx/teacher/teacher_oracle.h"
#include "lmtx/train/report.h"

namespace lmtx {

// What answers that the store has from the same teacher cost.
struct EarlierAnswers {
  int64_t judgments = 0;
  Usage usage = {};
};

// For `plan.judgments`, in questions of as many labels as the plan has a question. At most 200 documents, drawn by `seed`, each with labels drawn from all, are
// put to the teacher's estimate(); where that tells nothing, what `earlier` answers cost does, which is asked for only then (a store may be large). Unset where
// both tell nothing.
LMTX_API std::optional<Estimate> estimate(const Plan& plan, const TeacherOracle& teacher, const Corpus& documents, const LabelSet& labels, const Rates& rates,
                                          const std::function<EarlierAnswers()>& earlier, uint64_t seed);

// The limit of `budget` that the plan, of `wanted` judgments without one, reaches first: "judgments", "tokens", "cost", "seconds"; empty for none.
LMTX_API std::string first_limit(const Budget& budget, int64_t wanted, const std::optional<Estimate>& estimate);

}  // namespace lmtx
