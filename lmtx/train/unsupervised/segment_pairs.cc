#include "lmtx/train/unsupervised/segment_pairs.h"

#include <algorithm>
#include <utility>

#include "lmtx/detail/random.h"
#include "lmtx/train/unsupervised/segments.h"
#include "lmtx/train/unsupervised/words.h"

namespace lmtx {

namespace {

// What segments are drawn for.
constexpr const char *with_title = "segments of titles", *with_each_other = "segments of segments";

// Which of `before`'s documents pair `number` is of.
size_t place_of(const std::vector<int64_t>& before, int64_t number) {
  return static_cast<size_t>(std::upper_bound(before.begin(), before.end(), number) - before.begin() - 1);
}

std::vector<std::string_view> cut_segments(std::string_view text, const std::vector<int64_t>& lengths) {
  const std::vector<std::string_view> words = split_words(text);
  std::vector<std::string_view> segments;
  size_t begin = 0;
  for (const int64_t length : lengths) {
    segments.push_back(joined(std::span(words).subspan(begin, static_cast<size_t>(length))));
    begin += static_cast<size_t>(length);
  }
  return segments;
}

}  // namespace

SegmentPairs::SegmentPairs(SegmentTexts texts, Tokenizer tokenizer, SegmentPairOptions options)
    : texts_(std::move(texts)), tokenizer_(std::move(tokenizer)), options_(std::move(options)) {
  for (size_t i = 0; i < texts_.document_numbers.size(); ++i) {
    const int64_t document = texts_.document_numbers[i];
    if (!split_words(texts_.titles[document]).empty()) titled_.push_back(static_cast<int64_t>(i));
    num_words_.push_back(static_cast<int32_t>(split_words(texts_.contents[document]).size()));
  }
}

std::vector<int64_t> SegmentPairs::lengths(const char* use, int64_t epoch, size_t place) const {
  return draw_segments(num_words_[place], options_.min_words, detail::random_key(options_.seed, use, {epoch, texts_.document_numbers[place]}));
}

const SegmentPairs::Epoch& SegmentPairs::epoch_of(int64_t number) const {
  if (epoch_.number != number) epoch_ = make_epoch(number);
  return epoch_;
}

SegmentPairs::Epoch SegmentPairs::make_epoch(int64_t number) const {
  Epoch epoch{.number = number, .title_segments_before = {0}, .segments_before = {0}};
  std::vector<bool> is_titled(num_words_.size());
  for (const int64_t place : titled_) is_titled[static_cast<size_t>(place)] = true;
  for (size_t i = 0; i < num_words_.size(); ++i) {
    const int64_t own = is_titled[i] ? static_cast<int64_t>(lengths(with_title, number, i).size()) : 0;
    epoch.title_segments_before.push_back(epoch.title_segments_before.back() + own);
    const auto paired = static_cast<int64_t>(lengths(with_each_other, number, i).size());
    epoch.segments_before.push_back(epoch.segments_before.back() + (paired + 1) / 2);
  }
  if (options_.titles) epoch.all[title] = static_cast<int64_t>(titled_.size());
  if (options_.labels) epoch.all[label] = static_cast<int64_t>(texts_.label_numbers.size());
  if (options_.title_segments) epoch.all[title_segment] = epoch.title_segments_before.back();
  if (options_.segments) epoch.all[segment] = epoch.segments_before.back();
  choose(epoch);
  return epoch;
}

void SegmentPairs::choose(Epoch& epoch) const {
  int64_t total = 0;
  for (const int64_t count : epoch.all) total += count;
  epoch.taken = epoch.all;
  epoch.size = total;
  if (options_.max_pairs == 0 || total <= options_.max_pairs) return;
  epoch.size = 0;
  int64_t before = 0;
  for (size_t kind = 0; kind < num_kinds; ++kind) {
    // What the kinds up to this one have of all, rounded, less what those before it took: so that shares add up.
    const auto share = [&](int64_t count) { return static_cast<int64_t>(static_cast<__int128>(count) * options_.max_pairs / total); };
    epoch.taken[kind] = share(before + epoch.all[kind]) - share(before);
    before += epoch.all[kind];
    epoch.size += epoch.taken[kind];
    epoch.chosen[kind] = detail::permutation(epoch.all[kind], detail::random_key(options_.seed, "pairs kept", {epoch.number, static_cast<int64_t>(kind)}));
    epoch.chosen[kind].resize(static_cast<size_t>(epoch.taken[kind]));
  }
}

SegmentPair SegmentPairs::title_segment_pair(const Epoch& epoch, int64_t number) const {
  const size_t place = place_of(epoch.title_segments_before, number);
  const int64_t document = texts_.document_numbers[place];
  const auto segments = cut_segments(texts_.contents[document], lengths(with_title, epoch.number, place));
  return {texts_.titles[document], segments[static_cast<size_t>(number - epoch.title_segments_before[place])], document};
}

SegmentPair SegmentPairs::segment_pair(const Epoch& epoch, int64_t number) const {
  const size_t place = place_of(epoch.segments_before, number), i = 2 * static_cast<size_t>(number - epoch.segments_before[place]);
  const int64_t document = texts_.document_numbers[place];
  const auto segments = cut_segments(texts_.contents[document], lengths(with_each_other, epoch.number, place));
  const auto order = detail::permutation(static_cast<int64_t>(segments.size()), detail::random_key(options_.seed, "segment pairs", {epoch.number, document}));
  const auto drawn = [&](size_t j) { return segments[static_cast<size_t>(order[j < order.size() ? j : 0])]; };
  return {drawn(i), drawn(i + 1), document};
}

SegmentPair SegmentPairs::pair(int64_t epoch_number, int64_t number) const {
  const Epoch& epoch = epoch_of(epoch_number);
  size_t kind = 0;
  for (; number >= epoch.taken[kind]; ++kind) number -= epoch.taken[kind];
  if (!epoch.chosen[kind].empty()) number = epoch.chosen[kind][static_cast<size_t>(number)];
  if (kind == title_segment) return title_segment_pair(epoch, number);
  if (kind == segment) return segment_pair(epoch, number);
  if (kind == label) {
    const int64_t own = texts_.label_numbers[static_cast<size_t>(number)];
    const std::string_view name = (*texts_.labels)[own].name;
    return {name, name, -1 - own};
  }
  const int64_t document = texts_.document_numbers[static_cast<size_t>(titled_[static_cast<size_t>(number)])];
  return {texts_.titles[document], texts_.titles[document], document};
}

std::vector<TokenPair> SegmentPairs::take(int64_t epoch, std::span<const int64_t> numbers) const {
  std::vector<TokenPair> pairs;
  std::vector<std::string> texts;
  for (const int64_t number : numbers) {
    const SegmentPair found = pair(epoch, number);
    const std::string& prompt = found.owner < 0 ? options_.label_prompt : options_.document_prompt;
    for (const std::string_view text : {found.left, found.right}) texts.push_back(prompt + std::string(text));
    pairs.push_back({{}, {}, found.owner});
  }
  const RaggedTokens tokens = tokenizer_.encode(std::vector<std::string_view>(texts.begin(), texts.end()), options_.max_length);
  for (size_t i = 0; i < pairs.size(); ++i) {
    const auto left = tokens[static_cast<int64_t>(2 * i)], right = tokens[static_cast<int64_t>(2 * i + 1)];
    pairs[i].left.assign(left.begin(), left.end());
    pairs[i].right.assign(right.begin(), right.end());
  }
  return pairs;
}

void SegmentPairs::add_to(detail::Hasher& key) const {
  key.add("segment pairs 1");
  for (const int64_t number :
       {options_.min_words, options_.max_length, static_cast<int64_t>(texts_.document_numbers.size()), static_cast<int64_t>(texts_.label_numbers.size())})
    key.add(number);
}

}  // namespace lmtx
