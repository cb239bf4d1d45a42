// Proposes labels whose names share words with a document. Internal.
#pragma once

#include <cstdint>
#include <span>
#include <stop_token>

#include "lmtx/corpus/corpus.h"
#include "lmtx/corpus/label_set.h"
#include "lmtx/event.h"
#include "lmtx/export.h"
#include "lmtx/search/bm25_index.h"
#include "lmtx/train/twins.h"

namespace lmtx {

class LMTX_API LexicalShortlister {
 public:
  // Of labels that read alike the first.
  LexicalShortlister(const LabelSet& labels, const Twins& label_twins, const Bm25Options& options = {});

  // For each of `numbers` (rising) at most k labels by BM25, with the document's text as the query. The corpus is read once; a few thousand texts are in memory
  // at once. Throws std::out_of_range for a number that the corpus does not have.
  RankedLists shortlist(const Corpus& documents, std::span<const int64_t> numbers, int64_t k, const EventCallback& on_event = {},
                        std::stop_token stop = {}) const;

 private:
  Bm25Index index_;
};

}  // namespace lmtx
