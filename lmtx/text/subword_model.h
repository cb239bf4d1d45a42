// What an algorithm (WordPiece, later SentencePiece and byte-level BPE) has to offer to be behind lmtx::Tokenizer.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

namespace lmtx::detail {

// Turns texts into ids, keeping caches and scratch space: used by one thread at a time. What a text becomes does not depend on the texts before it.
class Segmenter {
 public:
  virtual ~Segmenter() = default;
  // Appends at most `max_ids` ids, those of the beginning of `text`. Special tokens inside the text are found, none are put around it.
  virtual void append_ids(std::string_view text, size_t max_ids, std::vector<int32_t>& ids) = 0;
};

// Immutable; shared by all threads.
class SubwordModel {
 public:
  virtual ~SubwordModel() = default;
  // The segmenter refers to this model.
  virtual std::unique_ptr<Segmenter> make_segmenter() const = 0;
  // All ids are below it.
  virtual int64_t vocabulary_size() const = 0;
};

// A tokenizer as its files describe it.
struct TokenizerParts {
  std::unique_ptr<const SubwordModel> model;
  // Put before and after each text.
  std::vector<int32_t> prefix;
  std::vector<int32_t> suffix;
};

}  // namespace lmtx::detail
