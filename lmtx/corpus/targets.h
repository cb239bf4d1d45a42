// True labels of documents, for evaluation only: nothing in teacher/ or train/ includes this header.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "lmtx/export.h"

namespace lmtx {

// For each document of a JSON-lines corpus file, in order, its "target_ind": sorted distinct label numbers below `num_labels`.
// Throws std::runtime_error naming file and line where it is missing, is no list of integers, or holds a number out of range.
LMTX_API std::vector<std::vector<int64_t>> read_targets(const std::filesystem::path& file, int64_t num_labels);

}  // namespace lmtx
