#include "lmtx/text/words.h"

#include <string>
#include <vector>

#include "catch.h"

using namespace lmtx::detail;

namespace {

using Words = std::vector<std::string>;

constexpr WordOptions as_they_are{.drop_stop_words = false, .stem_plurals = false};

Words words_of(std::string_view text, const WordOptions& options = as_they_are) {
  Words words;
  WordSplitter(options).split(text, [&](std::string_view word) { words.emplace_back(word); });
  return words;
}

std::string singular(std::string word) {
  stem_plural(word);
  return word;
}

}  // namespace

TEST_CASE("words are runs of two and more word characters in lower case") {
  CHECK(words_of("Don't stop_me: C++20, x86-64 & UTF8!") == Words{"don", "stop_me", "20", "x86", "64", "utf8"});
  CHECK(words_of("ÉTÉ Straße ΑΒΓ İzmir") == Words{"été", "straße", "αβγ", "i̇zmir"});
  CHECK(words_of("हिन्दी") == Words{"हिन्दी"});
  CHECK(words_of("").empty());
  CHECK(words_of(" a . b ").empty());
}

TEST_CASE("each ideograph is a word") { CHECK(words_of("LMTX图书ab馆") == Words{"lmtx", "图", "书", "ab", "馆"}); }

TEST_CASE("what is no UTF-8 parts words") {
  const std::string text =
      "ab\xff"
      "cd\xc3";
  CHECK(words_of(text) == Words{"ab", "cd"});
}

TEST_CASE("stop words are left out before plurals are made singular") {
  CHECK(words_of("This is the Policies of THEIRS", {}) == Words{"policy", "their"});
  for (const char* word : {"a", "into", "with", "there", "such"}) CHECK(is_stop_word(word));
  for (const char* word : {"", "thes", "law", "within"}) CHECK_FALSE(is_stop_word(word));
}

TEST_CASE("plurals get the form of their singulars") {
  for (const auto& [plural, one] : std::vector<std::pair<const char*, const char*>>{{"laws", "law"},
                                                                                    {"policies", "policy"},
                                                                                    {"taxes", "tax"},
                                                                                    {"churches", "church"},
                                                                                    {"classes", "class"},
                                                                                    {"dishes", "dish"},
                                                                                    {"trees", "tree"},
                                                                                    {"houses", "house"}}) {
    CHECK(singular(plural) == singular(one));
  }
  for (const char* word : {"glass", "census", "analysis", "gas", "bus", "ties", "s", ""}) CHECK(singular(word) == word);
}
