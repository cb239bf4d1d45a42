#include "lmtx/train/unsupervised/title_pair.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "lmtx/detail/random.h"
#include "lmtx/train/unsupervised/sentences.h"
#include "lmtx/train/unsupervised/words.h"

namespace lmtx {

namespace {

constexpr size_t least_words = 5;

void append_without(std::string& content, std::string_view sentence, std::string_view title) {
  for (size_t found; (found = sentence.find(title)) != std::string_view::npos; sentence.remove_prefix(found + title.size()))
    content += sentence.substr(0, found);
  content += sentence;
}

std::string delete_title(std::string_view content, std::string_view title, double probability, detail::KeyedRandom& random) {
  std::string left;
  for (const std::string_view sentence : split_sentences(content)) {
    if (random.uniform() < probability)
      append_without(left, sentence, title);
    else
      left += sentence;
  }
  return left;
}

// A sentence drawn from those that have words, and the rest.
TitlePair lend_sentence(std::string_view content, detail::KeyedRandom& random) {
  const std::vector<std::string_view> sentences = split_sentences(content);
  std::vector<size_t> with_words;
  for (size_t i = 0; i < sentences.size(); ++i) {
    if (!split_words(sentences[i]).empty()) with_words.push_back(i);
  }
  if (with_words.empty()) return {};
  const size_t lent = with_words[static_cast<size_t>(random.below(static_cast<int64_t>(with_words.size())))];
  TitlePair pair{.title = std::string(sentences[lent]), .content = {}};
  for (size_t i = 0; i < sentences.size(); ++i) {
    if (i != lent) pair.content += sentences[i];
  }
  return pair;
}

// Without white space around it.
std::string_view trimmed(std::string_view text) {
  const std::vector<std::string_view> words = split_words(text);
  if (words.empty()) return {};
  return text.substr(static_cast<size_t>(words.front().data() - text.data()),
                     static_cast<size_t>(words.back().data() + words.back().size() - words.front().data()));
}

}  // namespace

std::optional<TitlePair> make_title_pair(const Document& document, const TitlePairOptions& options, uint64_t key) {
  detail::KeyedRandom random(key);
  TitlePair pair{.title = std::string(trimmed(document.title)), .content = {}};
  if (!pair.title.empty())
    pair.content = delete_title(document.content, pair.title, options.title_deletion, random);
  else if (options.inverse_cloze)
    pair = lend_sentence(document.content, random);
  if (split_words(pair.title).empty() || split_words(pair.content).size() < least_words) return std::nullopt;
  return pair;
}

}  // namespace lmtx
