// Several rankings of the same labels made into one.
#pragma once

#include <cstdint>
#include <span>
#include <stop_token>

#include "lmtx/export.h"
#include "lmtx/search/ranked_lists.h"

namespace lmtx {

// One of the rankings that are fused.
struct FusionSource {
  const RankedLists* lists = nullptr;
  // >= 0.
  double weight = 1;
  // Of fuse_scores(): divide a list's scores by its best one, where that is above 0. For scores without a scale of their own, such as BM25's.
  bool divide_by_best = false;
};

struct FusionOptions {
  // Labels kept of each list, >= 1.
  int64_t k = 100;
  // Of fuse_ranks(), >= 0: how little the first ranks stand out.
  double rank_constant = 60;
};

// Both fuse list i of every source into list i, best first, equal scores by the smaller label number. What one list holds is enough to be in it.
// Throw std::invalid_argument without sources, for sources with different numbers of lists, a label that is twice in a list, a weight that is negative or not
// finite, or options out of range; Stopped on request.

// Reciprocal rank fusion (Cormack, Clarke, Büttcher 2009): a label scores the sum over sources of weight / (rank_constant + rank), with ranks from 1. A source
// that does not list it adds nothing.
LMTX_API RankedLists fuse_ranks(std::span<const FusionSource> sources, const FusionOptions& options = {}, std::stop_token stop = {});

// A weighted sum of scores; a label that a source does not list has score 0 there. With weights u and 1 - u, the second divided by its best, it is the convex
// combination of Bruch, Gai, Ingber 2023 (An Analysis of Fusion Functions for Hybrid Retrieval).
LMTX_API RankedLists fuse_scores(std::span<const FusionSource> sources, const FusionOptions& options = {}, std::stop_token stop = {});

}  // namespace lmtx
