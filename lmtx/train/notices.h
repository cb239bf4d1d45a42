// The sentences that a run has for its user. Internal.
#pragma once

#include <string>
#include <vector>

#include "lmtx/train/development_set.h"
#include "lmtx/train/report.h"

namespace lmtx {

struct CurriculumInput;

namespace notices {

// What is worth knowing about the inputs before the first cycle. `used` counts what of them is not used as it is.
std::vector<std::string> of_inputs(const CurriculumInput& input, const InputReport& used, const DocumentSplit& split);
// What went otherwise than planned in a cycle.
std::vector<std::string> of_cycle(const CycleReport& cycle);
std::string nothing_learned();
// A cycle in a line.
std::string summary(const CycleReport& cycle);

}  // namespace notices

}  // namespace lmtx
