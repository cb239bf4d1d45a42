#include "lmtx/detail/text_blocks.h"

#include <algorithm>
#include <utility>

#include "lmtx/stopped.h"

namespace lmtx::detail {

TextBlocks::TextBlocks(std::span<const std::string_view> texts, std::span<const int64_t> chosen, Tokenizer tokenizer, TextBlockOptions options)
    : texts_(texts), chosen_(chosen), tokenizer_(std::move(tokenizer)), options_(std::move(options)), size_(options_.first) {}

std::optional<TokenBlock> TextBlocks::next(const std::stop_token& stop) {
  check_stop(stop);
  if (begin_ == chosen_.size()) return std::nullopt;
  const std::span<const int64_t> rows = chosen_.subspan(begin_, block_end() - begin_);
  std::vector<std::string> with_prompt;
  with_prompt.reserve(options_.prompt.empty() ? 0 : rows.size());
  std::vector<std::string_view> texts;
  texts.reserve(rows.size());
  for (const int64_t row : rows) texts.push_back(options_.prompt.empty() ? texts_[row] : with_prompt.emplace_back(options_.prompt + std::string(texts_[row])));
  TokenBlock block{.tokens = tokenizer_.encode(texts, options_.max_length, stop), .sequences = {}, .rows = rows};
  for (int64_t i = 0; i < block.tokens.size(); ++i) block.sequences.push_back(block.tokens[i]);
  begin_ += rows.size();
  size_ = {.texts = std::min(2 * size_.texts, large_block.texts), .bytes = std::min(2 * size_.bytes, large_block.bytes)};
  return block;
}

size_t TextBlocks::block_end() const {
  size_t end = begin_, bytes = 0;
  while (end < chosen_.size() && end - begin_ < size_.texts && (end == begin_ || bytes + texts_[chosen_[end]].size() <= size_.bytes))
    bytes += texts_[chosen_[end++]].size();
  return end;
}

SequenceBlocks::SequenceBlocks(const RaggedTokens& tokens, std::span<const int64_t> chosen, size_t first) : tokens_(tokens), chosen_(chosen), size_(first) {}

std::optional<TokenBlock> SequenceBlocks::next(const std::stop_token& stop) {
  check_stop(stop);
  if (begin_ == chosen_.size()) return std::nullopt;
  TokenBlock block{.tokens = {}, .sequences = {}, .rows = chosen_.subspan(begin_, std::min(size_, chosen_.size() - begin_))};
  for (const int64_t row : block.rows) block.sequences.push_back(tokens_[row]);
  begin_ += block.rows.size();
  size_ = std::min(2 * size_, large_block.texts);
  return block;
}

}  // namespace lmtx::detail
