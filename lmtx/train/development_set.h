// Documents held out to measure each cycle. Internal.
#pragma once

#include <cstdint>
#include <vector>

#include "lmtx/export.h"
#include "lmtx/train/twins.h"

namespace lmtx {

// How many of `documents` are held out where `wanted` are asked for: at most a tenth.
inline int64_t development_size(int64_t wanted, int64_t documents) { return wanted < documents / 10 ? wanted : documents / 10; }

// Which documents are trained on and which are held out, by rising number. Drawn by `seed` alone. A document that reads as an earlier one is in neither list:
// it shares the verdicts and the side of its twin. Nor is one without text: there is nothing to judge.
struct DocumentSplit {
  std::vector<int64_t> training;
  std::vector<int64_t> development;
};

// With so many held out, of those that there are. `is_empty[i]`: document i has no text.
LMTX_API DocumentSplit hold_out(const std::vector<bool>& is_empty, const Twins& twins, int64_t count, uint64_t seed);
// With as many as development_size() says.
LMTX_API DocumentSplit split_documents(const std::vector<bool>& is_empty, const Twins& twins, int64_t development, uint64_t seed);

}  // namespace lmtx
