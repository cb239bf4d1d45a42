// What a DecisionRule holds. Internal.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "lmtx/eval/decision_rule.h"

namespace lmtx {

struct DecisionRule::Impl {
  DecisionKind kind = DecisionKind::top;
  int64_t k = few_tags;
  double aim = 0;
  double confidence = 0;
  std::string judge = {};
  // The common cut, then those of groups.
  std::vector<DecisionCut> cuts = {DecisionCut{}};
  std::optional<Calibration> calibration = std::nullopt;
  // The place in `cuts` of each label that is in a group with a cut of its own.
  std::unordered_map<int64_t, size_t> cut_of = {};

  // After the cuts are there. Throws std::invalid_argument where two groups share a label.
  void index_groups();
};

}  // namespace lmtx
