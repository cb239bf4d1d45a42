// A teacher made of a function.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "lmtx/export.h"
#include "lmtx/teacher/teacher_oracle.h"

namespace lmtx {

// Calls `function` once a question; it returns one verdict a label.
class LMTX_API CallbackOracle final : public TeacherOracle {
 public:
  using Function = std::function<std::vector<Verdict>(const Question&)>;
  // Throws std::invalid_argument for an empty identity or function.
  CallbackOracle(std::string identity, Function function, TeacherTraits traits = {});
  std::string identity() const override;
  void judge(std::span<const Question> questions, AnswerSink& answers) override;
  TeacherTraits traits() const override;

 private:
  std::string identity_;
  Function function_;
  TeacherTraits traits_;
};

}  // namespace lmtx
