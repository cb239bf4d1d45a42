#include "lmtx/search/fusion.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

#include "lmtx/detail/computation.h"
#include "lmtx/search/detail/append_ranked.h"
#include "lmtx/search/detail/search_state.h"
#include "lmtx/search/detail/top_labels.h"
#include "lmtx/stopped.h"

namespace lmtx {

namespace {

using detail::ScoredLabel;

// Lists fused between two looks at the stop token.
constexpr int64_t lists_at_once = 4096;

std::string place(size_t source) { return "`sources` entry " + std::to_string(source); }

void check_lists(const RankedLists& lists, size_t source) {
  const bool rising = std::is_sorted(lists.offsets.begin(), lists.offsets.end());
  const bool whole = !lists.offsets.empty() && lists.offsets.front() == 0 && lists.offsets.back() == static_cast<int64_t>(lists.labels.size());
  if (!rising || !whole) throw std::invalid_argument(place(source) + " must have offsets from 0 up to its number of labels.");
  if (lists.scores.size() != lists.labels.size()) {
    throw std::invalid_argument(place(source) + " must have a score for each of its " + std::to_string(lists.labels.size()) + " labels, but has " +
                                std::to_string(lists.scores.size()) + " instead.");
  }
}

void check(std::span<const FusionSource> sources, const FusionOptions& options) {
  detail::check_k(options.k);
  if (!(options.rank_constant >= 0 && std::isfinite(options.rank_constant))) {
    throw std::invalid_argument("`rank_constant` must be a finite number from 0 up, but is " + std::to_string(options.rank_constant) + " instead.");
  }
  if (sources.empty()) throw std::invalid_argument("`sources` must not be empty.");
  for (size_t s = 0; s < sources.size(); ++s) {
    if (sources[s].lists == nullptr) throw std::invalid_argument(place(s) + " has no lists.");
    check_lists(*sources[s].lists, s);
    if (!(sources[s].weight >= 0 && std::isfinite(sources[s].weight))) {
      throw std::invalid_argument(place(s) + " must have a finite weight from 0 up, but it is " + std::to_string(sources[s].weight) + " instead.");
    }
    if (sources[s].lists->size() != sources[0].lists->size()) {
      throw std::invalid_argument(place(s) + " must have as many lists as the first, " + std::to_string(sources[0].lists->size()) + ", but has " +
                                  std::to_string(sources[s].lists->size()) + " instead.");
    }
  }
}

// What a source adds to the score of a label.
struct Part {
  int64_t label;
  size_t source;
  double score;
};

// Sums in the order of sources, so that they are the same bits in any list.
std::vector<ScoredLabel> add_up(std::vector<Part>& parts) {
  std::sort(parts.begin(), parts.end(), [](const Part& a, const Part& b) { return a.label != b.label ? a.label < b.label : a.source < b.source; });
  std::vector<ScoredLabel> sums;
  for (size_t i = 0; i < parts.size();) {
    const Part& first = parts[i];
    double sum = first.score;
    for (++i; i < parts.size() && parts[i].label == first.label; ++i) {
      if (parts[i].source == parts[i - 1].source) {
        throw std::invalid_argument(place(parts[i].source) + " has label " + std::to_string(first.label) + " twice in a list.");
      }
      sum += parts[i].score;
    }
    sums.push_back({static_cast<float>(sum), first.label});
  }
  return sums;
}

void keep_best(std::vector<ScoredLabel>& labels, int64_t k) {
  const auto kept = std::min<int64_t>(k, static_cast<int64_t>(labels.size()));
  std::partial_sort(labels.begin(), labels.begin() + kept, labels.end(), detail::ranks_before);
  labels.resize(static_cast<size_t>(kept));
}

// `add_parts(source, i, parts)` appends what list i of a source adds.
template <typename AddParts>
RankedLists fuse(std::span<const FusionSource> sources, const FusionOptions& options, const std::stop_token& stop, const AddParts& add_parts) {
  const detail::Computation computation;
  check(sources, options);
  const int64_t num_lists = sources[0].lists->size();
  RankedLists fused;
  std::vector<std::vector<ScoredLabel>> block(static_cast<size_t>(std::min(num_lists, lists_at_once)));
  for (int64_t begin = 0; begin < num_lists; begin += lists_at_once) {
    check_stop(stop);
    const int64_t end = std::min(begin + lists_at_once, num_lists);
    at::parallel_for(begin, end, 16, [&](int64_t from, int64_t to) {
      std::vector<Part> parts;
      for (int64_t i = from; i < to; ++i) {
        parts.clear();
        for (size_t s = 0; s < sources.size(); ++s) add_parts(s, i, parts);
        block[i - begin] = add_up(parts);
        keep_best(block[i - begin], options.k);
      }
    });
    for (int64_t i = begin; i < end; ++i) detail::append(fused, block[i - begin]);
  }
  return fused;
}

}  // namespace

RankedLists fuse_ranks(std::span<const FusionSource> sources, const FusionOptions& options, std::stop_token stop) {
  return fuse(sources, options, stop, [&](size_t s, int64_t i, std::vector<Part>& parts) {
    double rank = 1;
    for (const int64_t label : sources[s].lists->labels_of(i)) parts.push_back({label, s, sources[s].weight / (options.rank_constant + rank++)});
  });
}

RankedLists fuse_scores(std::span<const FusionSource> sources, const FusionOptions& options, std::stop_token stop) {
  return fuse(sources, options, stop, [&](size_t s, int64_t i, std::vector<Part>& parts) {
    const auto labels = sources[s].lists->labels_of(i);
    const auto scores = sources[s].lists->scores_of(i);
    const double best = scores.empty() ? 0 : *std::max_element(scores.begin(), scores.end());
    const double scale = sources[s].divide_by_best && best > 0 ? sources[s].weight / best : sources[s].weight;
    for (size_t j = 0; j < labels.size(); ++j) parts.push_back({labels[j], s, scale * scores[j]});
  });
}

}  // namespace lmtx
