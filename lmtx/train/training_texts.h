// The documents and labels of a run as training reads them. Internal.
#pragma once

#include <cstdint>
#include <vector>

#include "lmtx/detail/digest.h"
#include "lmtx/train/token_file.h"

namespace lmtx {

struct TrainingTexts {
  TokenFile documents;
  TokenFile labels;
  // Special tokens at the end of a sequence, kept when a sequence is cut.
  int64_t suffix_size = 1;
  // Tokens of a document and a label.
  int64_t document_length = 450;
  int64_t label_length = 15;
  // Tokens at the start of documents and labels that are left out of their vectors (TokenBatch::unpooled).
  int64_t document_unpooled = 0;
  int64_t label_unpooled = 0;

  std::vector<int32_t> document(int64_t number) const { return cut_tokens(documents[number], document_length, suffix_size); }
  std::vector<int32_t> label(int64_t number) const { return cut_tokens(labels[number], label_length, suffix_size); }

  // All but the files, which belong to the run.
  void add_to(detail::Hasher& key) const {
    for (const int64_t number : {suffix_size, document_length, label_length, document_unpooled, label_unpooled}) key.add(number);
  }
};

}  // namespace lmtx
