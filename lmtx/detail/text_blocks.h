// Many texts as blocks of tokens. Internal: no public header includes it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "lmtx/detail/row_pipeline.h"
#include "lmtx/export.h"
#include "lmtx/text/tokenizer.h"

namespace lmtx::detail {

struct BlockSize {
  size_t texts = 0;
  size_t bytes = 0;
};

// Enough to find many texts of one length, few enough for any memory.
inline constexpr BlockSize large_block{.texts = 1 << 15, .bytes = size_t{32} << 20};
// So little that a device which waits for it starts soon; later blocks are larger.
inline constexpr BlockSize first_block{.texts = 1 << 12, .bytes = size_t{2} << 20};

struct TextBlockOptions {
  // Put before each text.
  std::string prompt = {};
  // Tokens a text.
  int64_t max_length = 512;
  // Each block after the first is twice as large as the one before, up to the large one.
  BlockSize first = large_block;
};

// Belongs to one thread. What it is made of must outlive it, `chosen` the blocks too, for they are their rows.
class LMTX_API TextBlocks {
 public:
  // Of `texts` those at the positions `chosen`.
  TextBlocks(std::span<const std::string_view> texts, std::span<const int64_t> chosen, Tokenizer tokenizer, TextBlockOptions options);
  // None at the end.
  std::optional<TokenBlock> next(const std::stop_token& stop);
  // Whether next() gives at most one more.
  bool is_last() const { return block_end() == chosen_.size(); }

 private:
  size_t block_end() const;

  const std::span<const std::string_view> texts_;
  const std::span<const int64_t> chosen_;
  const Tokenizer tokenizer_;
  const TextBlockOptions options_;
  BlockSize size_;
  size_t begin_ = 0;
};

// The same for what is tokens already; the first block has so many sequences.
class LMTX_API SequenceBlocks {
 public:
  SequenceBlocks(const RaggedTokens& tokens, std::span<const int64_t> chosen, size_t first);
  std::optional<TokenBlock> next(const std::stop_token& stop);

 private:
  const RaggedTokens& tokens_;
  const std::span<const int64_t> chosen_;
  size_t size_, begin_ = 0;
};

}  // namespace lmtx::detail
