// Several teachers that are asked the same and answer as one.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lmtx/eval/combination.h"
#include "lmtx/export.h"
#include "lmtx/teacher/stored_verdicts.h"
#include "lmtx/teacher/teacher_oracle.h"

namespace lmtx {

// Its identity is the combination's, and in brackets those of its teachers, in order. What each teacher says is looked up in the store, and kept there, under
// its own identity: another combination asks nothing again. A teacher that abstains, or is missing a pair, carries no weight; where all do the verdict is an
// abstention (missing, if one of them misses the pair). Where one fails the pair fails, where one leaves it open it stays open: the others' answers are in the
// store by then. Teachers are asked one after the other, on the thread of judge(). A judgment of a run's budget is a combined one, however many teachers it
// took; what they cost is passed on with it.
class LMTX_API CombinedOracle final : public TeacherOracle {
 public:
  // Throws std::invalid_argument for a combination of another number of teachers, no teacher in one's place, or two with the same identity.
  CombinedOracle(std::span<const std::shared_ptr<TeacherOracle>> teachers, Combination combination, SharedStore store);

  std::string identity() const override;
  void judge(std::span<const Question> questions, AnswerSink& answers) override;
  // The most questions a call that one of them likes, unless all like all there are, and the fewest calls at once.
  TeacherTraits traits() const override;
  // The sum of theirs.
  Usage estimate(const Question& question) const override;

  const Combination& combination() const { return combination_; }

 private:
  std::vector<StoredVerdicts> teachers_;
  Combination combination_;
};

}  // namespace lmtx
