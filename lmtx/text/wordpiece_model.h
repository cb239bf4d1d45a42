// BERT's tokenization: added tokens, normalization, words, WordPiece.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "lmtx/text/added_token_segmenter.h"
#include "lmtx/text/bert_normalizer.h"
#include "lmtx/text/subword_model.h"
#include "lmtx/text/wordpiece_vocabulary.h"

namespace lmtx::detail {

class WordPieceModel : public SubwordModel {
 public:
  // Of added tokens that are the same once normalized the first counts.
  WordPieceModel(const WordPieceOptions& options, const BertNormalizerOptions& normalizer, const std::vector<AddedToken>& added_tokens);

  std::unique_ptr<Segmenter> make_segmenter() const override;
  int64_t vocabulary_size() const override { return vocabulary_size_; }

 private:
  friend class WordPieceSegmenter;

  WordPieceVocabulary vocabulary_;
  BertNormalizerOptions normalizer_;
  AddedVocabulary added_tokens_;
  int64_t vocabulary_size_;
};

}  // namespace lmtx::detail
