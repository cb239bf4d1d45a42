#include "lmtx/text/pipeline_model.h"

#include <algorithm>
#include <span>
#include <string>
#include <utility>

#include "lmtx/text/utf8.h"
#include "lmtx/text/word_cache.h"

namespace lmtx::detail {

namespace {

int64_t size_with(int64_t vocabulary_size, const std::vector<AddedToken>& added_tokens) {
  for (const AddedToken& token : added_tokens) vocabulary_size = std::max<int64_t>(vocabulary_size, int64_t{token.id} + 1);
  return vocabulary_size;
}

}  // namespace

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
    if (word.size() > WordCache::max_word_bytes) {
      words_->append_ids(word, ids());
      return more();
    }
    const WordCache::Key key = WordCache::key(word);
    std::span<const int32_t> known;
    if (cache_.find(key, known)) {
      ids().insert(ids().end(), known.begin(), known.end());
      return more();
    }
    const size_t before = ids().size();
    words_->append_ids(word, ids());
    cache_.insert(key, std::span(ids()).subspan(before));
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
