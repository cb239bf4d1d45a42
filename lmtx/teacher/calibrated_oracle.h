// A teacher whose scores are put right by a calibration.
#pragma once

#include <memory>
#include <string>

#include "lmtx/eval/calibration.h"
#include "lmtx/export.h"
#include "lmtx/teacher/stored_verdicts.h"
#include "lmtx/teacher/teacher_oracle.h"

namespace lmtx {

// Its identity is the inner teacher's, "+", and the calibration's. The inner teacher's verdicts are looked up in the store, and kept there, under its own
// identity: another calibration asks nothing again. Abstentions stay what they are. A judgment of a run's budget is a calibrated one, whether the inner teacher
// was asked for it or the store had it; what the inner teacher's answers cost is passed on once, when they are asked.
class LMTX_API CalibratedOracle final : public TeacherOracle {
 public:
  // Throws std::invalid_argument for no teacher, and for a calibration that was fitted to another teacher (one that names none fits any).
  CalibratedOracle(std::shared_ptr<TeacherOracle> teacher, Calibration calibration, SharedStore store);

  std::string identity() const override;
  void judge(std::span<const Question> questions, AnswerSink& answers) override;
  TeacherTraits traits() const override;
  Usage estimate(const Question& question) const override;

  const Calibration& calibration() const { return calibration_; }

 private:
  StoredVerdicts verdicts_;
  Calibration calibration_;
};

}  // namespace lmtx
