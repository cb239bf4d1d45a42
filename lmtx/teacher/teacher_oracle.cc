#include "lmtx/teacher/teacher_oracle.h"

#include "lmtx/detail/quote.h"

namespace lmtx {

Usage operator+(const Usage& a, const Usage& b) {
  return {.prompt_tokens = a.prompt_tokens + b.prompt_tokens,
          .cached_tokens = a.cached_tokens + b.cached_tokens,
          .completion_tokens = a.completion_tokens + b.completion_tokens,
          .cost = a.cost + b.cost,
          .seconds = a.seconds + b.seconds};
}

Usage operator-(const Usage& a, const Usage& b) {
  return {.prompt_tokens = a.prompt_tokens - b.prompt_tokens,
          .cached_tokens = a.cached_tokens - b.cached_tokens,
          .completion_tokens = a.completion_tokens - b.completion_tokens,
          .cost = a.cost - b.cost,
          .seconds = a.seconds - b.seconds};
}

Usage operator*(double share, const Usage& usage) {
  const auto of = [share](int64_t count) { return static_cast<int64_t>(share * static_cast<double>(count)); };
  return {.prompt_tokens = of(usage.prompt_tokens),
          .cached_tokens = of(usage.cached_tokens),
          .completion_tokens = of(usage.completion_tokens),
          .cost = share * usage.cost,
          .seconds = share * usage.seconds};
}

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
