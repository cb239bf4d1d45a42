#include "lmtx/teacher/verdict.h"

#include <sstream>
#include <stdexcept>
#include <utility>

namespace lmtx {

Verdict Verdict::score(double score) {
  // Written so that NaN fails, too.
  if (!(score >= 0 && score <= 1)) {
    std::ostringstream message;
    message << "A verdict's score must be in [0, 1], but is " << score << " instead.";
    throw std::invalid_argument(message.str());
  }
  Verdict verdict;
  verdict.kind_ = Kind::scored;
  verdict.score_ = score;
  return verdict;
}

Verdict Verdict::abstain() { return {}; }

Verdict Verdict::fail(std::string reason) {
  Verdict verdict;
  verdict.kind_ = Kind::failed;
  verdict.reason_ = std::move(reason);
  return verdict;
}

Verdict Verdict::miss() {
  Verdict verdict;
  verdict.kind_ = Kind::missing;
  return verdict;
}

}  // namespace lmtx
