// What plans expect of judged documents. Internal.
#pragma once

#include <span>

#include "lmtx/train/judged_document.h"

namespace lmtx {

// Throws std::invalid_argument for documents that do not rise, or labels within a document that do not.
void check_rising(std::span<const JudgedDocument> judged);

}  // namespace lmtx
