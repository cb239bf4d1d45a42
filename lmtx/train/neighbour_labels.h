// Proposes labels that were judged a yes for documents near by. Internal.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>

#include "lmtx/export.h"
#include "lmtx/search/ranked_lists.h"
#include "lmtx/train/judged_document.h"
#include "lmtx/train/twins.h"

namespace lmtx {

struct NeighbourOptions {
  // Judged documents that a document hears, >= 1.
  int64_t neighbours = 50;
  // Of the softmax over their cosines, > 0.
  double temperature = 0.05;
  // Judged labels whose target is below are not proposed.
  double least_target = 0.4;
};

// For each of `documents` (rising numbers; row i of `vectors`, float32 [n, dim] unit rows, is the i-th one's) at most k labels of those that were judged for
// its nearest judged documents, itself aside: a label scores the sum of weight * target over them, where weights are the softmax of cosine / temperature over
// the nearest. Of labels that read alike the first is proposed. `judged` by rising number; those that are not among `documents` are not heard. `target_of` says
// how far a judged label fits, in [0, 1]. Equal scores by label number; the same result with any number of threads, and on a card (where the vectors lie
// there). Throws std::invalid_argument for vectors that do not fit or options out of range; Stopped on request.
LMTX_API RankedLists neighbour_labels(const at::Tensor& vectors, std::span<const int64_t> documents, std::span<const JudgedDocument> judged,
                                      const std::function<double(const JudgedLabel&)>& target_of, const Twins& label_twins, int64_t k,
                                      const NeighbourOptions& options = {}, std::stop_token stop = {});

}  // namespace lmtx
