#include "lmtx/text/token_windows.h"

#include <algorithm>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "lmtx/stopped.h"

namespace lmtx::detail {

namespace {

// What is read before it is tokenized.
constexpr size_t block_texts = 1024;
constexpr size_t block_bytes = size_t{4} << 20;
// What a short text counts as, since each has a row in memory, too.
constexpr int64_t least_tokens = 16;

void append(RaggedTokens& window, std::span<const int32_t> tokens) {
  window.ids.insert(window.ids.end(), tokens.begin(), tokens.end());
  window.offsets.push_back(static_cast<int64_t>(window.ids.size()));
}

}  // namespace

TokenWindows::TokenWindows(NextText next_text, Tokenizer tokenizer, TokenWindowOptions options)
    : next_text_(std::move(next_text)), tokenizer_(std::move(tokenizer)), options_(std::move(options)) {
  if (options_.window_tokens < 1) throw std::invalid_argument("`window_tokens` must be at least 1, but is " + std::to_string(options_.window_tokens) + " instead.");
}

void TokenWindows::skip(int64_t num_texts, const std::stop_token& stop) {
  std::string text;
  for (; num_texts > 0 && next_text_(text); --num_texts) {
    check_stop(stop);
    ++num_before_;
  }
}

std::optional<RaggedTokens> TokenWindows::next(const std::stop_token& stop) {
  RaggedTokens window;
  for (int64_t counted = 0; position_ < block_.size() || read_block(stop); ++position_) {
    const std::span<const int32_t> tokens = block_[position_];
    if (tokens.empty()) throw std::invalid_argument("Text " + std::to_string(num_before_ + position_) + " must have at least one token, but has none.");
    counted += std::max(static_cast<int64_t>(tokens.size()), least_tokens);
    if (window.size() > 0 && counted > options_.window_tokens) break;
    append(window, tokens);
  }
  return window.size() > 0 ? std::optional(std::move(window)) : std::nullopt;
}

bool TokenWindows::read_block(const std::stop_token& stop) {
  num_before_ += block_.size();
  position_ = 0;
  texts_.clear();
  std::string text;
  for (size_t bytes = 0; texts_.size() < block_texts && bytes < block_bytes && next_text_(text); bytes += text.size()) {
    check_stop(stop);
    texts_.push_back(options_.prompt + text);
  }
  const std::vector<std::string_view> views(texts_.begin(), texts_.end());
  block_ = tokenizer_.encode(views, options_.max_length, stop, options_.max_threads);
  return block_.size() > 0;
}

}  // namespace lmtx::detail
