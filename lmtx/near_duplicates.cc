#include "lmtx/near_duplicates.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/index_select.h>

#include <algorithm>
#include <map>
#include <stdexcept>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "lmtx/corpus/label_set.h"
#include "lmtx/search/label_index.h"
#include "lmtx/tagger.h"
#include "lmtx/text/bert_normalizer.h"
#include "lmtx/text/characters.h"
#include "lmtx/text/words.h"

namespace lmtx {
namespace {

using Pair = std::pair<int64_t, int64_t>;

Pair ordered(int64_t a, int64_t b) { return {std::min(a, b), std::max(a, b)}; }

class Finder {
 public:
  Finder(const Tagger& tagger, const NearDuplicateOptions& options) : labels_(tagger.labels()), options_(options), rows_(tagger.index().rows()) {
    if (options.neighbors < 1) throw std::invalid_argument("`neighbors` must be at least 1, but is " + std::to_string(options.neighbors) + " instead.");
    for (const std::string& uid : options.of) of_.insert(labels_.number_of(uid));
    for (int64_t row = 0; row < static_cast<int64_t>(rows_.owners.size()); ++row) rows_of_[rows_.owners[row]].push_back(row);
  }

  void find_by_vectors(const EventCallback& on_event, const std::stop_token& stop) {
    if (options_.least_cosine > 1 || rows_.owners.empty()) return;
    const LabelIndex index = LabelIndex::build(rows_.rows, rows_.owners, {.normalize = false});
    std::vector<int64_t> sought;
    for (int64_t row = 0; row < static_cast<int64_t>(rows_.owners.size()); ++row) {
      if (is_sought(rows_.owners[row])) sought.push_back(row);
    }
    // The nearest label of all is the label itself, mostly.
    const int64_t k = options_.neighbors + 1;
    const at::Tensor places = at::from_blob(sought.data(), {static_cast<int64_t>(sought.size())}, at::TensorOptions().dtype(at::kLong));
    const LabelMatches matches = index.search(at::index_select(rows_.rows, 0, places), k, {}, on_event, stop);
    const auto* found = matches.labels.const_data_ptr<int64_t>();
    const auto* scores = matches.scores.const_data_ptr<float>();
    for (int64_t i = 0; i < static_cast<int64_t>(sought.size()) * k; ++i) {
      const int64_t label = rows_.owners[sought[i / k]];
      if (found[i] >= 0 && found[i] != label && scores[i] >= options_.least_cosine) pairs_.try_emplace(ordered(label, found[i]));
    }
  }

  // Of several labels with a name each is paired with the first.
  void find_by_names() {
    if (!options_.by_names) return;
    std::unordered_map<std::string, std::vector<int64_t>> labels_of_names;
    for (auto label = labels_.begin(); label != labels_.end(); ++label) {
      std::unordered_set<std::string> names{detail::comparable_name(label->name)};
      for (const std::string& name : label->other_names) names.insert(detail::comparable_name(name));
      for (const std::string& name : names) {
        if (!name.empty()) labels_of_names[name].push_back(label.number());
      }
    }
    for (const auto& [name, labels] : labels_of_names) pair_up(name, labels);
  }

  std::vector<NearDuplicate> result() const {
    std::vector<NearDuplicate> found;
    for (const auto& [pair, name] : pairs_) found.push_back({.first = pair.first, .second = pair.second, .cosine = cosine(pair), .shared_name = name});
    std::stable_sort(found.begin(), found.end(), [](const NearDuplicate& a, const NearDuplicate& b) { return a.cosine > b.cosine; });
    return found;
  }

 private:
  bool is_sought(int64_t label) const { return of_.empty() || of_.contains(label); }

  void pair_up(const std::string& name, const std::vector<int64_t>& labels) {
    for (size_t i = 0; i < labels.size(); ++i) {
      const bool pairs_with_all = i == 0 || (!of_.empty() && of_.contains(labels[i]));
      for (size_t j = i + 1; pairs_with_all && j < labels.size(); ++j) {
        if (is_sought(labels[i]) || is_sought(labels[j])) note_name(ordered(labels[i], labels[j]), name);
      }
    }
  }

  // Of several shared names the first in order, whatever the order they come in.
  void note_name(const Pair& pair, const std::string& name) {
    std::string& noted = pairs_[pair];
    if (noted.empty() || name < noted) noted = name;
  }

  float cosine(const Pair& pair) const {
    float best = -1;
    const auto first = rows_of_.find(pair.first), second = rows_of_.find(pair.second);
    if (first == rows_of_.end() || second == rows_of_.end()) return best;
    for (const int64_t a : first->second) {
      for (const int64_t b : second->second) best = std::max(best, product(a, b));
    }
    return best;
  }

  float product(int64_t a, int64_t b) const {
    const int64_t dim = rows_.rows.size(1);
    const auto* data = rows_.rows.const_data_ptr<float>();
    double sum = 0;
    for (int64_t j = 0; j < dim; ++j) sum += static_cast<double>(data[a * dim + j]) * data[b * dim + j];
    return static_cast<float>(sum);
  }

  const LabelSet& labels_;
  const NearDuplicateOptions& options_;
  LabelRows rows_;
  std::unordered_set<int64_t> of_;
  std::unordered_map<int64_t, std::vector<int64_t>> rows_of_;
  std::map<Pair, std::string> pairs_;
};

// What may stand between the parts of a name or not: "e-mail", "e mail"; "AC/DC". Other signs tell names apart: "C++", "C#".
bool separates(char32_t c) { return std::u32string_view(U" -_/.,;:'\u2019\u2010\u2011\u2013\u2014()").find(c) != std::u32string_view::npos; }

}  // namespace

std::string detail::comparable_name(const std::string& name) {
  std::string comparable, word;
  const auto end_word = [&] {
    if (word.size() > 3) stem_plural(word);
    comparable += word;
    word.clear();
  };
  BertNormalizer({.handle_chinese_chars = false}).normalize(name, [&](char32_t c) {
    if (separates(c)) {
      end_word();
    } else {
      append_utf8(c, word);
    }
    return true;
  });
  end_word();
  return comparable;
}

std::vector<NearDuplicate> find_near_duplicates(const Tagger& tagger, const NearDuplicateOptions& options, const EventCallback& on_event,
                                                std::stop_token stop) {
  Finder finder(tagger, options);
  finder.find_by_vectors(on_event, stop);
  finder.find_by_names();
  return finder.result();
}

}  // namespace lmtx
