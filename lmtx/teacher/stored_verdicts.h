// A teacher's verdicts through a store: what is there is not asked again.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "lmtx/export.h"
#include "lmtx/teacher/shared_store.h"
#include "lmtx/teacher/teacher_oracle.h"

namespace lmtx {

// For teachers that make something of another's verdicts: those are kept as they came, so that making something else of them asks nothing.
// May be used from as many threads as the teacher's traits allow.
class LMTX_API StoredVerdicts {
 public:
  // Verdicts are looked up and kept under `identity`; empty: the teacher's. Without a store everything is asked and nothing kept.
  // Throws std::invalid_argument for no teacher.
  StoredVerdicts(std::shared_ptr<TeacherOracle> teacher, SharedStore store, std::string identity = {});

  TeacherOracle& teacher() const { return *teacher_; }
  const std::string& identity() const { return identity_; }

  // As TeacherOracle::judge(): first answers what the store has, with no usage, then asks the teacher for the rest. Each scored or abstained verdict of its is
  // in the store before it is passed on; failed and missing ones are passed on only. Questions must have different document uids, as those of a run have.
  void judge(std::span<const Question> questions, AnswerSink& answers) const;

  // The teacher's estimate for what the store does not have.
  Usage estimate(const Question& question) const;

 private:
  std::shared_ptr<TeacherOracle> teacher_;
  SharedStore store_;
  std::string identity_;
};

}  // namespace lmtx
