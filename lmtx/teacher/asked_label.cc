#include "lmtx/teacher/asked_label.h"

#include <algorithm>
#include <stdexcept>

#include "lmtx/detail/quote.h"

namespace lmtx {

size_t find_asked_label(const Question& asked, std::string_view uid) {
  const auto found = std::find_if(asked.labels.begin(), asked.labels.end(), [&](const LabelToJudge& label) { return label.uid == uid; });
  if (found != asked.labels.end()) return static_cast<size_t>(found - asked.labels.begin());
  throw std::invalid_argument("The teacher answered for label " + detail::quote(uid) + " of document " + detail::quote(asked.uid) + ", which was not asked.");
}

}  // namespace lmtx
