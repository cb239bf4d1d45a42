#include "lmtx/text/tokenizer.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>

#include "lmtx/detail/computation.h"
#include "lmtx/detail/fault.h"
#include "lmtx/stopped.h"
#include "lmtx/text/subword_model.h"
#include "lmtx/text/tokenizer_files.h"

namespace lmtx {

namespace {

// Texts that a thread takes at once.
constexpr int64_t texts_per_block = 32;
// Bytes of a text whose scratch memory a segmenter may keep; one that saw a longer text is dropped, with its caches.
constexpr size_t longest_kept = size_t{1} << 20;

// Consecutive sequences.
struct Block {
  std::vector<int32_t> ids;
  std::vector<int64_t> lengths;
};

RaggedTokens concatenate(std::vector<Block>& blocks) {
  RaggedTokens tokens;
  size_t num_ids = 0;
  for (const Block& block : blocks) num_ids += block.ids.size();
  tokens.ids.reserve(num_ids);
  tokens.offsets.reserve(blocks.size() * texts_per_block + 1);
  for (Block& block : blocks) {
    tokens.ids.insert(tokens.ids.end(), block.ids.begin(), block.ids.end());
    for (int64_t length : block.lengths) tokens.offsets.push_back(tokens.offsets.back() + length);
    block = {};  // So that the ids are not held twice to the end.
  }
  return tokens;
}

}  // namespace

struct Tokenizer::Impl {
  Impl(detail::TokenizerParts parts, int64_t max_length) : parts(std::move(parts)), model_max_length(max_length) {}

  // One that no thread is using; its caches stay from call to call.
  std::unique_ptr<detail::Segmenter> take_segmenter() const {
    const std::lock_guard lock(mutex);
    if (idle.empty()) return parts.model->make_segmenter();
    std::unique_ptr<detail::Segmenter> segmenter = std::move(idle.back());
    idle.pop_back();
    return segmenter;
  }

  void give_back(std::unique_ptr<detail::Segmenter> segmenter) const {
    const std::lock_guard lock(mutex);
    idle.push_back(std::move(segmenter));
  }

  Block encode(std::span<const std::string_view> texts, size_t max_ids, detail::Segmenter& segmenter) const {
    Block block;
    for (std::string_view text : texts) {
      const size_t before = block.ids.size();
      block.ids.insert(block.ids.end(), parts.prefix.begin(), parts.prefix.end());
      segmenter.append_ids(text, max_ids, block.ids);
      block.ids.insert(block.ids.end(), parts.suffix.begin(), parts.suffix.end());
      block.lengths.push_back(static_cast<int64_t>(block.ids.size() - before));
    }
    return block;
  }

  const detail::TokenizerParts parts;
  const int64_t model_max_length;
  mutable std::mutex mutex;
  mutable std::vector<std::unique_ptr<detail::Segmenter>> idle;
};

Tokenizer::Tokenizer(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

Tokenizer Tokenizer::load(const std::filesystem::path& folder, bool lower_case) {
  return detail::with_one_line_faults(folder, [&] {
    return Tokenizer(std::make_shared<const Impl>(detail::read_tokenizer(folder, lower_case), detail::read_model_max_length(folder)));
  });
}

RaggedTokens Tokenizer::encode(std::span<const std::string_view> texts, int64_t max_length, const std::stop_token& stop, int64_t max_threads) const {
  const detail::Computation computation;
  const auto num_special = static_cast<int64_t>(prefix().size() + suffix().size());
  if (max_length < std::max<int64_t>(num_special, 1))
    throw std::invalid_argument("`max_length` must leave room for the " + std::to_string(num_special) + " special tokens of a text, but is " +
                                std::to_string(max_length) + " instead.");
  const auto max_ids = static_cast<size_t>(max_length - num_special);
  const auto num_texts = static_cast<int64_t>(texts.size());
  std::vector<Block> blocks((num_texts + texts_per_block - 1) / texts_per_block);
  const auto num_blocks = static_cast<int64_t>(blocks.size());
  std::atomic<int64_t> next_block{0};
  const bool any_long = std::any_of(texts.begin(), texts.end(), [](std::string_view text) { return text.size() > longest_kept; });
  const int64_t num_threads = max_threads > 0 ? std::min<int64_t>(max_threads, at::get_num_threads()) : at::get_num_threads();
  // Texts differ in length, so each worker takes the next block when it is done with one.
  at::parallel_for(0, std::min(num_threads, num_blocks), 1, [&](int64_t, int64_t) {
    std::unique_ptr<detail::Segmenter> segmenter = impl_->take_segmenter();
    for (int64_t i = next_block++; i < num_blocks && !stop.stop_requested(); i = next_block++) {
      const int64_t begin = i * texts_per_block;
      blocks[i] = impl_->encode(texts.subspan(begin, std::min(texts_per_block, num_texts - begin)), max_ids, *segmenter);
    }
    if (!any_long) impl_->give_back(std::move(segmenter));
  });
  check_stop(stop);
  return concatenate(blocks);
}

std::span<const int32_t> Tokenizer::prefix() const { return impl_->parts.prefix; }
std::span<const int32_t> Tokenizer::suffix() const { return impl_->parts.suffix; }
int64_t Tokenizer::vocabulary_size() const { return impl_->parts.model->vocabulary_size(); }
int64_t Tokenizer::model_max_length() const { return impl_->model_max_length; }

}  // namespace lmtx
