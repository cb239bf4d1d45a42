// How many tokens of a text a run uses, once the automatic values are filled in. Internal.
#pragma once

#include <cstdint>

#include "lmtx/corpus/label_set.h"
#include "lmtx/encoder.h"
#include "lmtx/export.h"
#include "lmtx/train/options.h"

namespace lmtx {

// Tokens, special tokens included; each at most the encoder's positions.
struct Lengths {
  int64_t document = 0;
  int64_t search = 0;
  int64_t label = 0;
};

LMTX_API Lengths resolve_lengths(const TrainerOptions& options, const Encoder& encoder, const LabelSet& labels);

}  // namespace lmtx
