#include "lmtx/text/pipeline_model.h"

#include <string>
#include <utility>

#include "lmtx/text/utf8.h"
#include "lmtx/text/word_cache.h"

namespace lmtx::detail {

class PipelineSegmenter : public AddedTokenSegmenter, private WordSink {
 public:
  explicit PipelineSegmenter(const PipelineModel& model) : AddedTokenSegmenter(model.added_tokens_), model_(model), words_(model.words_->make_encoder()) {}

 private:
  void append_part(std::string_view text) override {
    const std::string_view normalized = model_.normalizers_.apply(valid_utf8(text, valid_), normalized_);
    if (!has_normalized_tokens()) return append_normalized(normalized);
    split_normalized(normalized, [this](std::string_view part) { append_normalized(part); });
  }

  void append_normalized(std::string_view text) {
    if (!text.empty()) model_.pre_tokenizer_->split(text, split_, *this);
  }

  bool take(std::string_view word) override {
    const auto segment = [&] { words_->append_ids(word, ids()); };
    if (word.size() > WordCache::max_word_bytes) {
      segment();
    } else {
      cache_.append(word, ids(), segment);
    }
    return more();
  }

  const PipelineModel& model_;
  std::unique_ptr<WordEncoder> words_;
  WordCache cache_;
  std::string valid_;
  NormalizerChain::Buffers normalized_;
  std::string split_;
};

PipelineModel::PipelineModel(NormalizerChain normalizers, std::unique_ptr<const PreTokenizer> pre_tokenizer, std::unique_ptr<const WordModel> words,
                             const std::vector<AddedToken>& added_tokens)
    : normalizers_(std::move(normalizers)),
      pre_tokenizer_(std::move(pre_tokenizer)),
      words_(std::move(words)),
      added_tokens_(added_tokens,
                    [this](std::string_view text) {
                      NormalizerChain::Buffers buffers;
                      return std::string(normalizers_.apply(text, buffers));
                    }),
      vocabulary_size_(size_with(words_->vocabulary_size(), added_tokens)) {}

std::unique_ptr<Segmenter> PipelineModel::make_segmenter() const { return std::make_unique<PipelineSegmenter>(*this); }

}  // namespace lmtx::detail
