// The labels that MACLR's second stage takes for those of the documents. Internal.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lmtx/export.h"
#include "lmtx/train/shortlister.h"
#include "lmtx/train/unsupervised/label_pairs.h"
#include "lmtx/train/unsupervised/tfidf_index.h"

namespace lmtx {

// Each document with the label that the encoder ranks first, where its cosine is in the upper half of all (ours; published: a threshold on unscaled scores),
// and with the label of the largest TF-IDF, where there is one; once where they agree (ours; published: twice). `ranked` has one label or more a document;
// `matches` are of the same documents.
LMTX_API LabelPairs likely_labels(const Shortlists& ranked, std::span<const TfidfIndex::Match> matches);

}  // namespace lmtx
