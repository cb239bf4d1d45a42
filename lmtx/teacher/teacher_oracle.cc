#include "lmtx/teacher/teacher_oracle.h"

#include "lmtx/detail/quote.h"

namespace lmtx {

void check_verdicts(const Question& question, std::span<const Verdict> verdicts) {
  if (verdicts.size() == question.labels.size()) return;
  std::string message = "Document " + detail::quote(question.uid) + " was asked about " + std::to_string(question.labels.size()) + " labels, but " +
                        std::to_string(verdicts.size()) + " verdicts came";
  if (verdicts.size() < question.labels.size()) {
    message += "; the first label without one is " + detail::quote(question.labels[verdicts.size()].uid);
  } else if (!question.labels.empty()) {
    message += "; the last label is " + detail::quote(question.labels.back().uid);
  }
  throw std::invalid_argument(message + ".");
}

Usage TeacherOracle::estimate(const Question&) const { return {}; }

}  // namespace lmtx
