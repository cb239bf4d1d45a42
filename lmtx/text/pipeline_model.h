// A tokenizer put together from parts: added tokens, normalizers, a pre-tokenizer, and what makes ids of words.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "lmtx/text/added_token_segmenter.h"
#include "lmtx/text/pre_tokenizer.h"
#include "lmtx/text/subword_model.h"
#include "lmtx/text/text_normalizer.h"
#include "lmtx/text/word_model.h"

namespace lmtx::detail {

class PipelineModel : public SubwordModel {
 public:
  PipelineModel(NormalizerChain normalizers, std::unique_ptr<const PreTokenizer> pre_tokenizer, std::unique_ptr<const WordModel> words,
                const std::vector<AddedToken>& added_tokens);

  std::unique_ptr<Segmenter> make_segmenter() const override;
  int64_t vocabulary_size() const override { return vocabulary_size_; }

 private:
  friend class PipelineSegmenter;

  NormalizerChain normalizers_;
  std::unique_ptr<const PreTokenizer> pre_tokenizer_;
  std::unique_ptr<const WordModel> words_;
  AddedVocabulary added_tokens_;
  int64_t vocabulary_size_;
};

}  // namespace lmtx::detail
