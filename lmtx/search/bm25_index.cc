#include "lmtx/search/bm25_index.h"

#include <ATen/Parallel.h>
#include <Eigen/SparseCore>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "lmtx/detail/computation.h"
#include "lmtx/search/detail/append_ranked.h"
#include "lmtx/search/detail/search_state.h"
#include "lmtx/search/detail/top_labels.h"
#include "lmtx/stopped.h"
#include "lmtx/text/words.h"

namespace lmtx {

namespace {

using detail::ScoredLabel;

// [num_words, num_texts]: what a word of a query adds to a text's score.
using Impacts = Eigen::SparseMatrix<float, Eigen::RowMajor, int32_t>;
constexpr size_t most_entries = std::numeric_limits<int32_t>::max();

// Queries whose matches are put together at once.
constexpr int64_t queries_at_once = 4096;

struct TextHash : std::hash<std::string_view> {
  using is_transparent = void;
};
using WordNumbers = std::unordered_map<std::string, int32_t, TextHash, std::equal_to<>>;

void check(const Bm25Options& options) {
  const auto refuse = [](const char* name, const std::string& expected, double value) {
    throw std::invalid_argument("`" + std::string(name) + "` must be " + expected + ", but is " + std::to_string(value) + " instead.");
  };
  if (!(options.k1 >= 0 && std::isfinite(options.k1))) refuse("k1", "a finite number from 0 up", options.k1);
  if (!(options.b >= 0 && options.b <= 1)) refuse("b", "in [0, 1]", options.b);
  if (!(options.k3 >= 0)) refuse("k3", "a number from 0 up, or infinity", options.k3);
}

void check_owners(std::span<const int64_t> owners, size_t num_texts) {
  if (owners.size() != num_texts) {
    throw std::invalid_argument("`owners` must have one label number for each of the " + std::to_string(num_texts) + " texts, but has " +
                                std::to_string(owners.size()) + " instead.");
  }
  const auto negative = std::find_if(owners.begin(), owners.end(), [](int64_t owner) { return owner < 0; });
  if (negative != owners.end()) throw std::invalid_argument("`owners` must not be negative, but " + std::to_string(*negative) + " is among them.");
}

detail::WordOptions word_options(const Bm25Options& options) { return {.drop_stop_words = options.drop_stop_words, .stem_plurals = options.stem_plurals}; }

// Words of a text and how often each is there, by rising number.
using Counts = std::vector<std::pair<int32_t, int32_t>>;

void count(std::vector<int32_t>& words, Counts& counts) {
  std::sort(words.begin(), words.end());
  counts.clear();
  for (int32_t word : words) {
    if (counts.empty() || counts.back().first != word) counts.emplace_back(word, 0);
    ++counts.back().second;
  }
}

// Counts of words in all texts, and what BM25 makes of them.
class ImpactsBuilder {
 public:
  ImpactsBuilder(const Bm25Options& options, WordNumbers& numbers) : options_(options), numbers_(numbers), splitter_(word_options(options)) {}

  void add(std::string_view text) {
    words_.clear();
    splitter_.split(text, [&](std::string_view word) { words_.push_back(number_of(word)); });
    lengths_.push_back(static_cast<int32_t>(words_.size()));
    count(words_, counts_);
    const auto text_number = static_cast<int32_t>(lengths_.size()) - 1;
    for (const auto& [word, times] : counts_) entries_.emplace_back(word, text_number, static_cast<float>(times));
    if (entries_.size() > most_entries) throw std::invalid_argument("`texts` have more than 2^31 - 1 words, which is more than an index holds.");
  }

  Impacts finish() && {
    Impacts impacts(static_cast<Eigen::Index>(numbers_.size()), static_cast<Eigen::Index>(lengths_.size()));
    impacts.setFromTriplets(entries_.begin(), entries_.end());
    const double mean_length = std::accumulate(lengths_.begin(), lengths_.end(), 0.0) / std::max<double>(1.0, static_cast<double>(lengths_.size()));
    for (Eigen::Index word = 0; word < impacts.outerSize(); ++word) {
      const double idf = idf_of(impacts.outerIndexPtr()[word + 1] - impacts.outerIndexPtr()[word]);
      for (Impacts::InnerIterator entry(impacts, word); entry; ++entry) {
        const double times = entry.value(), length = lengths_[entry.col()] / mean_length;
        entry.valueRef() = static_cast<float>(idf * times / (times + options_.k1 * (1 - options_.b + options_.b * length)));
      }
    }
    return impacts;
  }

 private:
  int32_t number_of(std::string_view word) {
    const auto found = numbers_.find(word);
    return found != numbers_.end() ? found->second : numbers_.emplace(word, static_cast<int32_t>(numbers_.size())).first->second;
  }

  double idf_of(int32_t texts_with_word) const {
    const double n = texts_with_word, all = static_cast<double>(lengths_.size());
    return std::log1p((all - n + 0.5) / (n + 0.5));
  }

  const Bm25Options& options_;
  WordNumbers& numbers_;
  detail::WordSplitter splitter_;
  // In words.
  std::vector<int32_t> lengths_;
  std::vector<Eigen::Triplet<float, int32_t>> entries_;
  std::vector<int32_t> words_;
  Counts counts_;
};

// Texts lie by rising owner, so that those of a label are neighbours.
struct Contents {
  Bm25Options options;
  WordNumbers numbers;
  Impacts impacts;
  // Of each text: the place of its label in `labels`.
  std::vector<int32_t> places;
  // By rising number.
  std::vector<int64_t> labels;
};

// Searches of one thread: scores of all texts, of which only those that a query touched are set back to zero.
class WordSearch {
 public:
  explicit WordSearch(const Contents& index) : index_(index), splitter_(word_options(index.options)), scores_(index.places.size()) {
    if (index.labels.size() != index.places.size()) best_.resize(index.labels.size());
  }

  std::vector<ScoredLabel> search(std::string_view query, int64_t k) {
    words_.clear();
    splitter_.split(query, [&](std::string_view word) {
      if (const auto found = index_.numbers.find(word); found != index_.numbers.end()) words_.push_back(found->second);
    });
    count(words_, counts_);
    for (const auto& [word, times] : counts_) add(word, weight(times));
    return best_.empty() ? take_best(scores_, touched_, k) : take_best_of_labels(k);
  }

 private:
  float weight(int32_t times) const {
    const double k3 = index_.options.k3;
    return static_cast<float>(std::isinf(k3) ? times : (k3 + 1) * times / (k3 + times));
  }

  void add(int32_t word, float weight) {
    for (Impacts::InnerIterator entry(index_.impacts, word); entry; ++entry) {
      float& score = scores_[entry.col()];
      if (score == 0) touched_.push_back(entry.col());
      score += weight * entry.value();
    }
  }

  std::vector<ScoredLabel> take_best_of_labels(int64_t k) {
    for (int32_t text : touched_) {
      float& best = best_[index_.places[text]];
      if (best == 0) touched_labels_.push_back(index_.places[text]);
      best = std::max(best, std::exchange(scores_[text], 0.0f));
    }
    touched_.clear();
    return take_best(best_, touched_labels_, k);
  }

  // The k best of `touched` places, best first; sets all of them back.
  std::vector<ScoredLabel> take_best(std::vector<float>& scores, std::vector<int32_t>& touched, int64_t k) const {
    std::vector<ScoredLabel> best;  // A heap with the worst on top.
    for (int32_t place : touched) {
      const ScoredLabel next{std::exchange(scores[place], 0.0f), index_.labels[place]};
      if (static_cast<int64_t>(best.size()) == k) {
        if (!ranks_before(next, best.front())) continue;
        std::pop_heap(best.begin(), best.end(), detail::ranks_before);
        best.back() = next;
      } else {
        best.push_back(next);
      }
      std::push_heap(best.begin(), best.end(), detail::ranks_before);
    }
    touched.clear();
    std::sort_heap(best.begin(), best.end(), detail::ranks_before);
    return best;
  }

  const Contents& index_;
  detail::WordSplitter splitter_;
  std::vector<int32_t> words_;
  Counts counts_;
  // Of texts and, where labels have several, of labels.
  std::vector<float> scores_, best_;
  std::vector<int32_t> touched_, touched_labels_;
};

void report(const EventCallback& on_event, int64_t done, int64_t total) {
  if (!on_event) return;
  Event event;
  event.stage = "search words";
  event.done = done;
  event.total = total;
  on_event(event);
}

}  // namespace

struct Bm25Index::Impl : Contents {};

Bm25Index::Bm25Index(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

Bm25Index Bm25Index::build(std::span<const std::string_view> texts, std::span<const int64_t> owners, const Bm25Options& options) {
  check(options);
  check_owners(owners, texts.size());
  std::vector<int64_t> order(texts.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return owners[a] < owners[b]; });
  const auto impl = std::make_shared<Impl>();
  impl->options = options;
  ImpactsBuilder builder(impl->options, impl->numbers);
  for (int64_t i : order) {
    builder.add(texts[i]);
    if (impl->labels.empty() || impl->labels.back() != owners[i]) impl->labels.push_back(owners[i]);
    impl->places.push_back(static_cast<int32_t>(impl->labels.size()) - 1);
  }
  impl->impacts = std::move(builder).finish();
  return Bm25Index(impl);
}

Bm25Index Bm25Index::build(std::span<const std::string_view> texts, const Bm25Options& options) {
  std::vector<int64_t> owners(texts.size());
  std::iota(owners.begin(), owners.end(), 0);
  return build(texts, owners, options);
}

RankedLists Bm25Index::search(std::span<const std::string_view> queries, int64_t k, const EventCallback& on_event, std::stop_token stop) const {
  const detail::Computation computation;
  detail::check_k(k);
  const auto num_queries = static_cast<int64_t>(queries.size());
  RankedLists lists;
  std::vector<std::vector<ScoredLabel>> found(static_cast<size_t>(std::min(num_queries, queries_at_once)));
  for (int64_t begin = 0; begin < num_queries; begin += queries_at_once) {
    const int64_t end = std::min(begin + queries_at_once, num_queries);
    at::parallel_for(begin, end, 1, [&](int64_t from, int64_t to) {
      WordSearch search(*impl_);
      for (int64_t q = from; q < to; ++q) {
        check_stop(stop);
        found[q - begin] = search.search(queries[q], k);
      }
    });
    for (int64_t q = begin; q < end; ++q) detail::append(lists, found[q - begin]);
    report(on_event, end, num_queries);
  }
  return lists;
}

int64_t Bm25Index::num_labels() const { return static_cast<int64_t>(impl_->labels.size()); }
int64_t Bm25Index::num_texts() const { return static_cast<int64_t>(impl_->places.size()); }
int64_t Bm25Index::num_words() const { return static_cast<int64_t>(impl_->numbers.size()); }
const Bm25Options& Bm25Index::options() const { return impl_->options; }

}  // namespace lmtx
