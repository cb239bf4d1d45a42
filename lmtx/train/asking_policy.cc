#include "lmtx/train/asking_policy.h"

#include <algorithm>

namespace lmtx {

std::vector<int64_t> AskTop::choose(int64_t /*document*/, std::span<const int32_t> shortlist) const {
  const auto top = shortlist.first(std::min(shortlist.size(), static_cast<size_t>(labels_)));
  return {top.begin(), top.end()};
}

AskedPairs choose_pairs(const AskingPolicy& policy, const Shortlists& shortlists) {
  AskedPairs wanted;
  for (size_t i = 0; i < shortlists.documents.size(); ++i)
    wanted.add(shortlists.documents[i], policy.choose(shortlists.documents[i], shortlists[static_cast<int64_t>(i)]));
  return wanted;
}

}  // namespace lmtx
