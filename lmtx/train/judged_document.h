// Verdicts as training sees them.
#pragma once

#include <cstdint>
#include <vector>

namespace lmtx {

// What a judged pair is to a training on all judgments.
enum class PairUse : uint8_t {
  // Neither: it has a target, and only losses of graded targets take it.
  soft,
  positive,
  negative,
};

struct JudgedLabel {
  int64_t label = 0;
  // In [0, 1]; at least the run's `yes_above` is a yes.
  double score = 0;

  // How the pair came to be asked: drawn at random from those that a rate of yeses is about, and how many of them it stands for (0: for none).
  bool at_random = false;
  double stands_for = 1;

  // Of assign_targets(): the probability in [0, 1] that the label fits, how much the pair weighs, and what it is used for.
  double target = 0;
  double weight = 1;
  PairUse use = PairUse::soft;
};

// A document of the corpus with its scored labels, by rising label number, each once.
struct JudgedDocument {
  int64_t document = 0;
  std::vector<JudgedLabel> labels;
  // The labels nearest to it by its shortlist, nearest first; none where nothing is known. Those that are not judged may well fit.
  std::vector<int32_t> near = {};
};

}  // namespace lmtx
