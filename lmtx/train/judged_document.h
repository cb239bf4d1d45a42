// Verdicts as training sees them.
#pragma once

#include <cstdint>
#include <vector>

namespace lmtx {

struct JudgedLabel {
  int64_t label = 0;
  // In [0, 1]; at least the run's `yes_above` is a yes.
  double score = 0;
};

// A document of the corpus with its scored labels, by rising label number, each once.
struct JudgedDocument {
  int64_t document = 0;
  std::vector<JudgedLabel> labels;
};

}  // namespace lmtx
