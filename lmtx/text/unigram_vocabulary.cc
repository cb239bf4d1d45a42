#include "lmtx/text/unigram_vocabulary.h"

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "lmtx/text/utf8.h"

namespace lmtx::detail {

namespace {

// How much worse than the worst token an unknown character is.
constexpr double unknown_penalty = 10.0;

}  // namespace

UnigramVocabulary::UnigramVocabulary(UnigramOptions options) : unknown_(options.unknown) {
  if (unknown_ < 0 || static_cast<size_t>(unknown_) >= options.tokens.size()) throw std::invalid_argument("the unknown token is not in the vocabulary");
  double lowest = std::numeric_limits<double>::infinity();
  for (const auto& [token, score] : options.tokens) {
    scores_.push_back(score);
    lowest = std::min(lowest, score);
  }
  // The trie keeps the first of equal tokens.
  for (size_t id = options.tokens.size(); id-- > 0;) {
    if (!options.tokens[id].first.empty()) trie_.insert(options.tokens[id].first, static_cast<int32_t>(id));
  }
  unknown_score_ = lowest - unknown_penalty;
  for (size_t byte = 0; byte < 256; ++byte) {
    const ByteTrie::Match match = options.byte_fallback ? trie_.longest_match(byte_token(byte)) : ByteTrie::Match{};
    bytes_[byte] = match.length == 6 ? match.value : -1;
  }
}

class UnigramEncoder : public WordEncoder {
 public:
  explicit UnigramEncoder(const UnigramVocabulary& vocabulary) : vocabulary_(vocabulary) {}

  void append_ids(std::string_view word, std::vector<int32_t>& ids) override {
    find_best(word);
    const auto begin = static_cast<std::ptrdiff_t>(ids.size());
    for (size_t end = word.size(); end > 0;) {
      const Step& step = steps_[end];
      if (step.id != vocabulary_.unknown_) {
        ids.push_back(step.id);
        end = step.begin;
        continue;
      }
      size_t start = step.begin;
      while (start > 0 && steps_[start].id == vocabulary_.unknown_) start = steps_[start].begin;
      append_unknown(word.substr(start, end - start), ids);
      end = start;
    }
    std::reverse(ids.begin() + begin, ids.end());
  }

 private:
  static constexpr size_t nowhere = ~size_t{0};

  // The best way to get to a place of the word: its last token and where that begins.
  struct Step {
    double score = 0;
    size_t begin = nowhere;
    int32_t id = 0;
  };

  void find_best(std::string_view word) {
    steps_.assign(word.size() + 1, Step{});
    for (size_t begin = 0; begin < word.size();) {
      const size_t length = decode_utf8(word, begin).length;
      const double score = steps_[begin].score;
      bool has_character = false;
      vocabulary_.trie_.for_each_match(word.substr(begin), [&](const ByteTrie::Match& match) {
        offer(begin + match.length, {vocabulary_.scores_[static_cast<size_t>(match.value)] + score, begin, match.value});
        has_character = has_character || match.length == length;
      });
      if (!has_character) offer(begin + length, {vocabulary_.unknown_score_ + score, begin, vocabulary_.unknown_});
      begin += length;
    }
  }

  void offer(size_t end, const Step& step) {
    Step& best = steps_[end];
    if (best.begin == nowhere || step.score > best.score) best = step;
  }

  // Backwards, as the ids are then.
  void append_unknown(std::string_view text, std::vector<int32_t>& ids) {
    const ByteTrie::Match token = vocabulary_.trie_.longest_match(text);
    if (token.length == text.size()) return ids.push_back(token.value);
    const auto id_of = [&](char byte) { return vocabulary_.bytes_[static_cast<unsigned char>(byte)]; };
    if (!std::all_of(text.begin(), text.end(), [&](char byte) { return id_of(byte) >= 0; })) return ids.push_back(vocabulary_.unknown_);
    for (size_t i = text.size(); i > 0; --i) ids.push_back(id_of(text[i - 1]));
  }

  const UnigramVocabulary& vocabulary_;
  std::vector<Step> steps_;
};

std::unique_ptr<WordEncoder> UnigramVocabulary::make_encoder() const { return std::make_unique<UnigramEncoder>(*this); }

}  // namespace lmtx::detail
