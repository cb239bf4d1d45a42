#include "lmtx/train/unsupervised/tfidf_index.h"

#include <ATen/Parallel.h>
#include <Eigen/SparseCore>

#include <algorithm>
#include <array>
#include <cmath>
#include <unordered_map>
#include <utility>

#include "lmtx/detail/random.h"
#include "lmtx/stopped.h"
#include "lmtx/text/words.h"

namespace lmtx {

namespace {

constexpr double most_texts = 0.98;

using Term = uint64_t;

struct Counted {
  Term term;
  int64_t count;
};

// Words and pairs of a text, each by rising term.
using Blocks = std::array<std::vector<Counted>, 2>;

Term term_of(std::string_view word) { return detail::random_key(1, word); }
Term pair_of(Term first, Term second) { return detail::mix(detail::mix(first) ^ second); }

std::vector<Counted> count(std::vector<Term> terms) {
  std::sort(terms.begin(), terms.end());
  std::vector<Counted> counted;
  for (const Term term : terms) {
    if (counted.empty() || counted.back().term != term) counted.push_back({term, 0});
    ++counted.back().count;
  }
  return counted;
}

Blocks count_terms(std::string_view text) {
  detail::WordSplitter splitter({.drop_stop_words = false, .stem_plurals = false});
  std::vector<Term> words, pairs;
  splitter.split(text, [&](std::string_view word) {
    const Term term = term_of(word);
    if (!words.empty()) pairs.push_back(pair_of(words.back(), term));
    words.push_back(term);
  });
  return {count(std::move(words)), count(std::move(pairs))};
}

struct Weighted {
  Term term;
  double weight;
};

}  // namespace

struct TermCounts::Impl {
  int64_t num_texts = 0;
  std::unordered_map<Term, int64_t> texts_with;

  double weight_of(Term term) const {
    const auto found = texts_with.find(term);
    const auto with = static_cast<double>(found == texts_with.end() ? 0 : found->second), all = static_cast<double>(num_texts);
    return with > most_texts * all ? 0 : std::max(std::log(all / (with + 1)), 0.0);
  }

  // Of unit length; empty where no term has weight.
  std::vector<Weighted> weigh(std::string_view text) const {
    std::vector<Weighted> all;
    int64_t blocks = 0;
    for (const std::vector<Counted>& block : count_terms(text)) {
      const size_t begin = all.size();
      double squares = 0;
      for (const Counted& counted : block) {
        const double weight = static_cast<double>(counted.count) * weight_of(counted.term);
        if (weight > 0) all.push_back({counted.term, weight});
        squares += weight * weight;
      }
      for (size_t i = begin; i < all.size(); ++i) all[i].weight /= std::sqrt(squares);
      blocks += squares > 0;
    }
    for (Weighted& weighted : all) weighted.weight /= std::sqrt(static_cast<double>(blocks));
    return all;
  }
};

TermCounts::TermCounts() : impl_(std::make_shared<Impl>()) {}

void TermCounts::add(std::string_view text) {
  ++impl_->num_texts;
  for (const std::vector<Counted>& block : count_terms(text)) {
    for (const Counted& counted : block) ++impl_->texts_with[counted.term];
  }
}

int64_t TermCounts::num_texts() const { return impl_->num_texts; }

struct TfidfIndex::Impl {
  TermCounts counts;
  std::vector<int64_t> labels;
  std::unordered_map<Term, int64_t> rows;
  // [terms of names, labels]
  Eigen::SparseMatrix<float, Eigen::RowMajor, int64_t> weights;

  // `scores`: zeros, one a label; left so.
  Match best(std::string_view text, std::vector<float>& scores, std::vector<int64_t>& touched) const {
    for (const Weighted& weighted : counts.impl().weigh(text)) {
      const auto row = rows.find(weighted.term);
      if (row == rows.end()) continue;
      for (decltype(weights)::InnerIterator entry(weights, row->second); entry; ++entry) {
        float& score = scores[static_cast<size_t>(entry.col())];
        if (score == 0) touched.push_back(entry.col());
        score += static_cast<float>(weighted.weight) * entry.value();
      }
    }
    Match match;
    for (const int64_t place : touched) {
      float& score = scores[static_cast<size_t>(place)];
      const int64_t label = labels[static_cast<size_t>(place)];
      if (score > match.score || (score == match.score && score > 0 && label < match.label)) match = {label, score};
      score = 0;
    }
    touched.clear();
    return match;
  }
};

TfidfIndex::TfidfIndex(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

TfidfIndex TfidfIndex::build(std::span<const std::string_view> names, std::span<const int64_t> labels, const TermCounts& counts) {
  auto impl = std::make_shared<Impl>();
  impl->counts = counts;
  impl->labels.assign(labels.begin(), labels.end());
  std::vector<Eigen::Triplet<float, int64_t>> entries;
  for (size_t i = 0; i < names.size(); ++i) {
    for (const Weighted& weighted : counts.impl().weigh(names[i])) {
      const int64_t row = impl->rows.try_emplace(weighted.term, static_cast<int64_t>(impl->rows.size())).first->second;
      entries.emplace_back(row, static_cast<int64_t>(i), static_cast<float>(weighted.weight));
    }
  }
  impl->weights.resize(static_cast<int64_t>(impl->rows.size()), static_cast<int64_t>(names.size()));
  impl->weights.setFromTriplets(entries.begin(), entries.end());
  return TfidfIndex(std::move(impl));
}

std::vector<TfidfIndex::Match> TfidfIndex::best(std::span<const std::string_view> texts, const std::stop_token& stop) const {
  std::vector<Match> matches(texts.size());
  at::parallel_for(0, static_cast<int64_t>(texts.size()), /*grain_size=*/16, [&](int64_t begin, int64_t end) {
    std::vector<float> scores(impl_->labels.size(), 0);
    std::vector<int64_t> touched;
    for (int64_t i = begin; i < end; ++i) {
      if (stop.stop_requested()) return;
      matches[static_cast<size_t>(i)] = impl_->best(texts[static_cast<size_t>(i)], scores, touched);
    }
  });
  check_stop(stop);
  return matches;
}

}  // namespace lmtx
