#include "lmtx/train/neighbour_labels.h"

#include <ATen/Parallel.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/index_select.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

#include "lmtx/detail/computation.h"
#include "lmtx/search/detail/append_ranked.h"
#include "lmtx/search/detail/top_labels.h"
#include "lmtx/search/label_index.h"
#include "lmtx/stopped.h"

namespace lmtx {

namespace {

using detail::ScoredLabel;

// Documents whose neighbours are looked up at once.
constexpr int64_t block_size = 4096;

void check(const at::Tensor& vectors, std::span<const int64_t> documents, const NeighbourOptions& options) {
  if (vectors.dim() != 2 || vectors.size(0) != static_cast<int64_t>(documents.size())) {
    throw std::invalid_argument("`vectors` must have a row for each of the " + std::to_string(documents.size()) + " documents, but has shape " +
                                c10::str(vectors.sizes()) + " instead.");
  }
  if (options.neighbours < 1) throw std::invalid_argument("`neighbours` must be at least 1, but is " + std::to_string(options.neighbours) + " instead.");
  if (!(options.temperature > 0)) {
    throw std::invalid_argument("`temperature` must be greater than 0, but is " + std::to_string(options.temperature) + " instead.");
  }
}

// A label that a judged document proposes.
struct Yes {
  int64_t label;
  double target;
};

// The judged documents that are heard.
struct Heard {
  // Of each: its place among `documents`, rising.
  std::vector<int64_t> places;
  std::vector<std::vector<Yes>> yeses;
};

std::vector<Yes> yeses_of(const JudgedDocument& judged, const std::function<double(const JudgedLabel&)>& target_of, const Twins& twins, double least_target) {
  std::vector<Yes> yeses;
  for (const JudgedLabel& label : judged.labels) {
    const double target = target_of(label);
    if (target >= least_target && target > 0 && twins.is_first(label.label)) yeses.push_back({label.label, target});
  }
  return yeses;
}

Heard hear(std::span<const int64_t> documents, std::span<const JudgedDocument> judged, const std::function<double(const JudgedLabel&)>& target_of,
           const Twins& twins, double least_target) {
  Heard heard;
  for (const JudgedDocument& document : judged) {
    const auto found = std::lower_bound(documents.begin(), documents.end(), document.document);
    if (found == documents.end() || *found != document.document) continue;
    heard.places.push_back(found - documents.begin());
    heard.yeses.push_back(yeses_of(document, target_of, twins, least_target));
  }
  return heard;
}

struct Neighbour {
  // Its place in Heard.
  int64_t heard;
  double weight;
};

// The nearest but the document at `place` itself, weighted by a softmax over their cosines (best first).
std::vector<Neighbour> weigh(std::span<const int64_t> nearest, std::span<const float> cosines, int64_t place, const Heard& heard,
                             const NeighbourOptions& options) {
  std::vector<Neighbour> neighbours;
  double best = 0, sum = 0;
  for (size_t i = 0; i < nearest.size() && static_cast<int64_t>(neighbours.size()) < options.neighbours; ++i) {
    if (nearest[i] < 0 || heard.places[nearest[i]] == place) continue;
    if (neighbours.empty()) best = cosines[i];
    neighbours.push_back({nearest[i], std::exp((cosines[i] - best) / options.temperature)});
    sum += neighbours.back().weight;
  }
  for (Neighbour& neighbour : neighbours) neighbour.weight /= sum;
  return neighbours;
}

std::vector<ScoredLabel> best_labels(std::span<const Neighbour> neighbours, const Heard& heard, int64_t k) {
  std::vector<Yes> parts;
  for (const Neighbour& neighbour : neighbours) {
    for (const Yes& yes : heard.yeses[neighbour.heard]) parts.push_back({yes.label, neighbour.weight * yes.target});
  }
  // Sums go from the nearest to the farthest.
  std::stable_sort(parts.begin(), parts.end(), [](const Yes& a, const Yes& b) { return a.label < b.label; });
  std::vector<ScoredLabel> labels;
  for (size_t i = 0; i < parts.size();) {
    const int64_t label = parts[i].label;
    double score = 0;
    for (; i < parts.size() && parts[i].label == label; ++i) score += parts[i].target;
    labels.push_back({static_cast<float>(score), label});
  }
  const auto kept = std::min<int64_t>(k, static_cast<int64_t>(labels.size()));
  std::partial_sort(labels.begin(), labels.begin() + kept, labels.end(), detail::ranks_before);
  labels.resize(static_cast<size_t>(kept));
  return labels;
}

LabelIndex index_of(const at::Tensor& vectors, std::vector<int64_t>& places) {
  const at::Tensor rows = at::from_blob(places.data(), {static_cast<int64_t>(places.size())}, at::kLong);
  const LabelIndex index = LabelIndex::build(vectors.index_select(0, rows.to(vectors.device())).cpu());
  return vectors.is_cuda() ? index.to(vectors.device().str()) : index;
}

}  // namespace

RankedLists neighbour_labels(const at::Tensor& vectors, std::span<const int64_t> documents, std::span<const JudgedDocument> judged,
                             const std::function<double(const JudgedLabel&)>& target_of, const Twins& label_twins, int64_t k, const NeighbourOptions& options,
                             std::stop_token stop) {
  const detail::Computation computation;
  check(vectors, documents, options);
  Heard heard = hear(documents, judged, target_of, label_twins, options.least_target);
  const auto total = static_cast<int64_t>(documents.size());
  RankedLists lists;
  if (heard.places.empty()) {
    lists.offsets.resize(static_cast<size_t>(total) + 1);
    return lists;
  }
  const LabelIndex index = index_of(vectors, heard.places);
  // One more, for the document itself.
  const int64_t fetched = std::min(options.neighbours + 1, index.num_labels());
  std::vector<std::vector<ScoredLabel>> block(static_cast<size_t>(std::min(block_size, total)));
  for (int64_t begin = 0; begin < total; begin += block_size) {
    const int64_t end = std::min(begin + block_size, total);
    const LabelMatches matches = index.search(vectors.slice(0, begin, end), fetched, {}, {}, stop);
    const at::Tensor nearest = matches.labels.cpu().contiguous(), cosines = matches.scores.cpu().contiguous();
    at::parallel_for(begin, end, 16, [&](int64_t from, int64_t to) {
      for (int64_t i = from; i < to; ++i) {
        const int64_t* labels = nearest.const_data_ptr<int64_t>() + (i - begin) * fetched;
        const float* scores = cosines.const_data_ptr<float>() + (i - begin) * fetched;
        const auto width = static_cast<size_t>(fetched);
        block[i - begin] = best_labels(weigh({labels, width}, {scores, width}, i, heard, options), heard, k);
      }
    });
    for (int64_t i = begin; i < end; ++i) detail::append(lists, block[i - begin]);
  }
  return lists;
}

}  // namespace lmtx
