// Texts as the methods without a teacher cut and pair them.
#include "lmtx/train/unsupervised/segments.h"

#include <numeric>

#include "catch.h"
#include "lmtx/detail/random.h"
#include "lmtx/train/unsupervised/sentences.h"
#include "lmtx/train/unsupervised/title_pair.h"
#include "lmtx/train/unsupervised/words.h"

using namespace lmtx;

TEST_CASE("words stand between white space of any kind") {
  CHECK(split_words("  a bc\t\nd\u3000e\u00a0f ") == std::vector<std::string_view>{"a", "bc", "d", "e", "f"});
  CHECK(split_words(" \n ").empty());
}

TEST_CASE("segments joined give the text back, and their lengths obey the bounds") {
  detail::KeyedRandom random(7);
  for (int round = 0; round < 3000; ++round) {
    const int64_t min_words = 1 + random.below(20), num_words = random.below(200);
    const std::vector<int64_t> lengths = draw_segments(num_words, min_words, random.next());
    CHECK(std::accumulate(lengths.begin(), lengths.end(), int64_t{0}) == num_words);
    if (num_words <= min_words) {
      CHECK(lengths.size() == (num_words == 0 ? 0u : 1u));
      continue;
    }
    for (size_t i = 0; i < lengths.size(); ++i) {
      const bool last = i + 1 == lengths.size();
      CHECK(lengths[i] >= (last ? std::max<int64_t>(1, min_words / 2) : min_words));
      CHECK(lengths[i] < 2 * min_words + (last ? std::max<int64_t>(1, min_words / 2) : 1));
    }
  }
}

TEST_CASE("segments are drawn evenly and by their key alone") {
  CHECK(draw_segments(1000, 10, 3) == draw_segments(1000, 10, 3));
  CHECK(draw_segments(1000, 10, 3) != draw_segments(1000, 10, 4));
  std::vector<int64_t> counts(21);
  for (const int64_t length : draw_segments(165000, 10, 3)) {
    if (length <= 20) ++counts[length];
  }
  // About 1,000 each.
  for (int64_t length = 10; length <= 20; ++length) CHECK(std::abs(counts[length] - 1000) < 150);
}

TEST_CASE("segments are a quarter of the usual text, within bounds") {
  CHECK(default_segment_words({}) == 8);
  CHECK(default_segment_words(std::vector<int32_t>{10, 4, 1000}) == 8);
  CHECK(default_segment_words(std::vector<int32_t>{100, 80, 1000}) == 25);
  CHECK(default_segment_words(std::vector<int32_t>{1000, 80, 1000}) == 40);
}

TEST_CASE("words next to each other are joined with what was between them") {
  const std::string_view text = " a  b\tc d ";
  const auto words = split_words(text);
  CHECK(joined(std::span(words).subspan(0, 3)) == "a  b\tc");
  CHECK(joined(std::span(words).subspan(3)) == "d");
}

TEST_CASE("sentences end behind marks and at line breaks, and together are the text") {
  CHECK(split_sentences("One. Two 3.5 is!  Three?\nFour\nfive") == std::vector<std::string_view>{"One. ", "Two 3.5 is!  ", "Three?\n", "Four\n", "five"});
  CHECK(split_sentences("").empty());
}

TEST_CASE("a title is deleted from the sentences of its content") {
  const Document document{"d", "Red tea", "Red tea is good. I like Red tea, yes Red tea a lot. Nothing here."};
  const auto all = make_title_pair(document, {.title_deletion = 1}, 1);
  REQUIRE(all);
  CHECK(all->title == "Red tea");
  CHECK(all->content == " is good. I like , yes  a lot. Nothing here.");
  CHECK(make_title_pair(document, {.title_deletion = 0}, 1)->content == document.content);

  // Of each sentence by itself, with the probability that is asked for.
  int64_t first = 0, second = 0, both = 0;
  for (uint64_t key = 0; key < 2000; ++key) {
    const std::string content = make_title_pair(document, {.title_deletion = 0.9}, key)->content;
    const bool in_first = content.starts_with("Red tea"), in_second = content.find("like Red tea") != std::string::npos;
    first += in_first;
    second += in_second;
    both += in_first && in_second;
  }
  CHECK(std::abs(first - 200) < 60);
  CHECK(std::abs(second - 200) < 60);
  CHECK(both < 50);
}

TEST_CASE("a document without a title lends a sentence") {
  const Document document{"d", " ", "One two three. Four five six! Seven eight."};
  std::vector<std::string> titles;
  for (uint64_t key = 0; key < 60; ++key) {
    const auto pair = make_title_pair(document, {}, key);
    REQUIRE(pair);
    CHECK(document.content.find(pair->title) != std::string::npos);
    CHECK(pair->content.find(pair->title) == std::string::npos);
    CHECK(pair->content.size() + pair->title.size() == document.content.size());
    titles.push_back(pair->title);
  }
  std::sort(titles.begin(), titles.end());
  CHECK(std::unique(titles.begin(), titles.end()) - titles.begin() == 3);
  CHECK_FALSE(make_title_pair(document, {.inverse_cloze = false}, 1));
}

TEST_CASE("fewer than five words of content are no pair") {
  CHECK(make_title_pair({"d", "T", "a b c d e"}, {}, 1));
  CHECK_FALSE(make_title_pair({"d", "T", "a b c d"}, {}, 1));
  CHECK_FALSE(make_title_pair({"d", "T", "T a b c d"}, {.title_deletion = 1}, 1));
  CHECK_FALSE(make_title_pair({"d", "", "only one sentence of words here"}, {}, 1));
  CHECK_FALSE(make_title_pair({"d", "", ""}, {}, 1));
}
