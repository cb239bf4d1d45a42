// The option `clusters`: how MACLR's first stage is cut into phases with clusters of their own. Internal.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lmtx/export.h"

namespace lmtx {

// Clusters of each phase for so many documents, at least 2 and at most a cluster a document; none where `option` is "none". Throws std::invalid_argument for an
// option that is neither "auto", "none" nor numbers separated by commas.
LMTX_API std::vector<int64_t> cluster_phases(const std::string& option, int64_t documents);

// A stretch of the first stage's steps.
struct StagePart {
  int64_t first_step = 0;
  int64_t num_steps = 0;
  // 0: each document is its own.
  int64_t clusters = 0;
};

// The first half of the steps in equal parts, one a phase, then the rest without clusters; all in one part where there are no phases.
LMTX_API std::vector<StagePart> stage_parts(int64_t steps, const std::vector<int64_t>& phases);

}  // namespace lmtx
