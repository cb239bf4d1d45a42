// Texts cut into segments of random length (RTS: Zhang et al., Findings of EMNLP 2022). Internal.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "lmtx/export.h"

namespace lmtx {

// Words that a segment has at least: a quarter of the median of `num_words`, from 8 to 40 (ours; published: 40 for products, 80 for Wikipedia).
LMTX_API int64_t default_segment_words(std::span<const int32_t> num_words);

// Words of each segment of a text of `num_words` words, in order; none for an empty text. One segment up to `min_words`; else lengths are drawn evenly from
// [min_words, 2 min_words]. Where a draw goes beyond the end the rest is a segment, or, where it has fewer than min_words / 2 (rounded down), part of the one
// before.
LMTX_API std::vector<int64_t> draw_segments(int64_t num_words, int64_t min_words, uint64_t key);

// The part of the text from the first to the last of `words`, which stand one behind the other in it.
LMTX_API std::string_view joined(std::span<const std::string_view> words);

}  // namespace lmtx
