// What a run puts before texts and how many tokens of them it uses, once the automatic values are filled in. Internal.
#pragma once

#include <cstdint>
#include <string>

#include "lmtx/corpus/label_set.h"
#include "lmtx/encoder.h"
#include "lmtx/export.h"
#include "lmtx/train/options.h"

namespace lmtx {

struct TextPrompts {
  std::string document;
  std::string label;
};

LMTX_API TextPrompts resolve_prompts(const TrainerOptions& options, const Encoder& encoder);

// Tokens, prompts and special tokens included; each at most the encoder's positions.
struct Lengths {
  int64_t document = 0;
  int64_t search = 0;
  int64_t label = 0;
};

// Throws std::invalid_argument where a prompt leaves no room for texts.
LMTX_API Lengths resolve_lengths(const TrainerOptions& options, const TextPrompts& prompts, const Encoder& encoder, const LabelSet& labels);

}  // namespace lmtx
