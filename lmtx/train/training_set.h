// Verdicts as a cycle trains on them. Internal.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lmtx/export.h"
#include "lmtx/train/asked_pairs.h"
#include "lmtx/train/judged_document.h"
#include "lmtx/train/twins.h"

namespace lmtx {

// The scored pairs of `stages`, each once, by rising document and label. Verdicts hold for twins of documents and labels, too. Documents without a scored pair are left out.
LMTX_API std::vector<JudgedDocument> training_set(std::span<const AskedPairs> stages, const Twins& document_twins, const Twins& label_twins);

}  // namespace lmtx
