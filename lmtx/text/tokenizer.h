// Texts to token ids, equal to Hugging Face's `tokenizers`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <stop_token>
#include <string_view>
#include <vector>

#include "lmtx/export.h"

namespace lmtx {

// Sequences of token ids, one after the other without padding.
struct RaggedTokens {
  // Ids of all sequences, concatenated.
  std::vector<int32_t> ids;
  // Sequence i is ids[offsets[i], offsets[i + 1]); size() + 1 entries, the first 0.
  std::vector<int64_t> offsets{0};

  int64_t size() const { return static_cast<int64_t>(offsets.size()) - 1; }
  std::span<const int32_t> operator[](int64_t i) const {
    return {ids.data() + offsets[i], static_cast<size_t>(offsets[i + 1] - offsets[i])};
  }
};

// An immutable handle, cheap to copy; const methods may be called from several threads.
class LMTX_API Tokenizer {
 public:
  // Reads the tokenizer of a model folder: `tokenizer.json` where it is there, else `sentencepiece.bpe.model` (XLM-RoBERTa), `vocab.json` and `merges.txt`
  // (RoBERTa) or `vocab.txt` (BERT, MPNet), with `tokenizer_config.json`. `truncation` and `padding` stored there are ignored. With `lower_case` texts are
  // put in lower case first, whatever these files say. Throws std::runtime_error naming the file and the part that is not supported.
  static Tokenizer load(const std::filesystem::path& folder, bool lower_case = false);

  // Ids with special tokens: prefix, text, suffix. No sequence is longer than `max_length`: the text is cut, the special tokens stay (where there
  // are two, `max_length` must be at least 2; std::invalid_argument else). Special tokens that occur inside a text become their ids.
  // Bytes that are no UTF-8 count as U+FFFD, as Python's errors="replace" decodes them; an encoded surrogate is one U+FFFD.
  // Runs on torch's thread pool, on at most `max_threads` of its threads (0: on all; 1: on the caller's alone); the result does not depend on their number.
  // A stop request ends it with lmtx::Stopped.
  RaggedTokens encode(std::span<const std::string_view> texts, int64_t max_length, const std::stop_token& stop = {}, int64_t max_threads = 0) const;

  // The special tokens that encode() puts before and after a text ([CLS] and [SEP] for BERT).
  std::span<const int32_t> prefix() const;
  std::span<const int32_t> suffix() const;
  // All ids are below it.
  int64_t vocabulary_size() const;
  // The `model_max_length` of tokenizer_config.json; 0 where none is given (or the placeholder 1e30).
  int64_t model_max_length() const;

 private:
  struct Impl;
  explicit Tokenizer(std::shared_ptr<const Impl> impl);
  std::shared_ptr<const Impl> impl_;
};

}  // namespace lmtx
