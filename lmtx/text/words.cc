#include "lmtx/text/words.h"

#include <algorithm>
#include <iterator>

namespace lmtx::detail {

namespace {

// Lucene's, sorted.
constexpr std::string_view stop_words[] = {"a",   "an",    "and",  "are",   "as",    "at",   "be",   "but", "by",  "for",  "if",
                                           "in",  "into",  "is",   "it",    "no",    "not",  "of",   "on",  "or",  "such", "that",
                                           "the", "their", "then", "there", "these", "they", "this", "to",  "was", "will", "with"};
constexpr size_t longest_stop_word = 5;

// Shorter words stay: "gas", "bus".
constexpr size_t shortest_plural = 4;

}  // namespace

bool is_stop_word(std::string_view word) { return word.size() <= longest_stop_word && std::binary_search(std::begin(stop_words), std::end(stop_words), word); }

void stem_plural(std::string& word) {
  if (word.size() < shortest_plural || word.back() != 's') return;
  const auto ends_in = [&](auto... endings) { return (word.ends_with(endings) || ...); };
  if (ends_in("ies")) {
    if (word.size() > shortest_plural) word.replace(word.size() - 3, 3, "y");
  } else if (word.size() > shortest_plural && ends_in("sses", "xes", "ches", "shes")) {
    word.resize(word.size() - 2);
  } else if (!ends_in("ss", "us", "is")) {
    word.pop_back();
  }
}

}  // namespace lmtx::detail
