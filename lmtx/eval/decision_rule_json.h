// Decision rules in files: docs/formats/tagger.md. Internal.
#pragma once

#include <string>

#include "lmtx/detail/json.h"
#include "lmtx/eval/decision_rule.h"
#include "lmtx/export.h"

namespace lmtx::detail {

LMTX_API Json to_json(const DecisionRule& rule);
// Throws std::runtime_error with the place where the object is no rule.
LMTX_API DecisionRule read_decision_rule(const Json& object, const std::string& place);

}  // namespace lmtx::detail
