// Models between two others.
#pragma once

#include <memory>

#include "lmtx/export.h"
#include "lmtx/nn/sentence_model.h"

namespace lmtx {

// (1 - share) of each weight of `base` and `share` of that of `tuned`, which stem from the same model: a new one, detached, on the device of `tuned`. In
// between a tuned model often keeps more of what the base knew (LM-Cocktail, arXiv 2311.13534). Throws std::invalid_argument for a share outside [0, 1] and for
// weights that do not match.
LMTX_API std::shared_ptr<SentenceModel> mix_models(const SentenceModel& base, const SentenceModel& tuned, double share);

}  // namespace lmtx
