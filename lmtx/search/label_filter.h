// Which labels a search may return.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lmtx/export.h"

namespace lmtx {

class LabelSet;

struct LabelFilter {
  // Label numbers; empty means all. Numbers without a label match nothing.
  std::vector<int64_t> allow = {};
  // Label numbers, taken away from what `allow` leaves.
  std::vector<int64_t> deny = {};
};

// Labels by what they are: those that meet each condition that is given.
struct LabelChoice {
  // Uids of labels that may come; unset means all.
  std::optional<std::vector<std::string>> allow = std::nullopt;
  // Uids of labels that may not come.
  std::vector<std::string> deny = {};
  // Names of groups: a label must be in one of them. Unset means all labels.
  std::optional<std::vector<std::string>> groups = std::nullopt;
  // Uids of labels: a label must be one of them, or lie below one in the hierarchy. Unset means all labels.
  std::optional<std::vector<std::string>> within = std::nullopt;
  // The uids of the labels of each group; empty means that Label::groups says it.
  std::map<std::string, std::vector<std::string>> members = {};
};

// The filter that leaves these labels; as label numbers never change, it stays right when names do, and labels that are added later are not in it where it
// allows some. Broader labels that are not in the set are passed over. Throws std::invalid_argument naming a uid or a group that the set lacks.
LMTX_API LabelFilter choose_labels(const LabelSet& labels, const LabelChoice& choice);

}  // namespace lmtx
