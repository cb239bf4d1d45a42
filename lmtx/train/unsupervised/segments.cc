#include "lmtx/train/unsupervised/segments.h"

#include <algorithm>

#include "lmtx/detail/random.h"

namespace lmtx {

int64_t default_segment_words(std::span<const int32_t> num_words) {
  constexpr int64_t least = 8, most = 40;
  if (num_words.empty()) return least;
  std::vector<int32_t> sorted(num_words.begin(), num_words.end());
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  return std::clamp<int64_t>(*middle / 4, least, most);
}

std::vector<int64_t> draw_segments(int64_t num_words, int64_t min_words, uint64_t key) {
  if (num_words == 0) return {};
  if (num_words <= min_words) return {num_words};
  detail::KeyedRandom random(key);
  std::vector<int64_t> lengths;
  for (int64_t left = num_words; left > 0;) {
    const int64_t length = min_words + random.below(min_words + 1);
    // The first draw that overruns leaves at least min_words.
    if (length > left && left < min_words / 2) {
      lengths.back() += left;
      break;
    }
    lengths.push_back(std::min(length, left));
    left -= lengths.back();
  }
  return lengths;
}

std::string_view joined(std::span<const std::string_view> words) {
  if (words.empty()) return {};
  const char* const begin = words.front().data();
  const char* const end = words.back().data() + words.back().size();
  return {begin, static_cast<size_t>(end - begin)};
}

}  // namespace lmtx
