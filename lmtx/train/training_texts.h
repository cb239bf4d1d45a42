// The documents and labels of a run as training reads them. Internal.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "lmtx/detail/digest.h"
#include "lmtx/train/token_file.h"
#include "lmtx/train/training_steps.h"

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

  TrainingBatch batch(std::span<const int64_t> document_numbers, std::span<const int64_t> label_numbers, std::shared_ptr<const BatchLoss> loss,
                      uint64_t dropout_key) const {
    TrainingBatch batch{.loss = std::move(loss), .left_unpooled = document_unpooled, .right_unpooled = label_unpooled, .dropout_key = dropout_key};
    for (const int64_t number : document_numbers) batch.left.push_back(document(number));
    for (const int64_t number : label_numbers) batch.right.push_back(label(number));
    return batch;
  }

  // All but the files, which belong to the run.
  void add_to(detail::Hasher& key) const {
    for (const int64_t number : {suffix_size, document_length, label_length, document_unpooled, label_unpooled}) key.add(number);
  }
};

}  // namespace lmtx
