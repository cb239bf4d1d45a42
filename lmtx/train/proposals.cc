#include "lmtx/train/proposals.h"

#include <ATen/ops/from_blob.h>
#include <ATen/ops/index_select.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <unordered_set>

#include "lmtx/detail/random.h"
#include "lmtx/search/fusion.h"
#include "lmtx/stopped.h"
#include "lmtx/train/array_file.h"
#include "lmtx/train/options.h"

namespace lmtx {

namespace {

constexpr detail::FileKind kind{"LMTXPROP", 1, "file of proposals"};

constexpr uint8_t all_sources = proposed_by::dense | proposed_by::bm25 | proposed_by::neighbours | proposed_by::exploration;

// Pairs whose vectors are gathered at once.
constexpr int64_t pairs_at_once = int64_t{1} << 16;

constexpr struct {
  const char* name;
  uint8_t source;
} source_names[] = {{"dense", proposed_by::dense}, {"bm25", proposed_by::bm25}, {"neighbours", proposed_by::neighbours}};

void check(const ProposalOptions& options) {
  if (options.size < 1) throw std::invalid_argument("`size` must be at least 1, but is " + std::to_string(options.size) + " instead.");
  if (options.exploration < 0 || options.exploration > options.size) {
    throw std::invalid_argument("`exploration` must be from 0 to `size`, " + std::to_string(options.size) + ", but is " + std::to_string(options.exploration) +
                                " instead.");
  }
  if (!(options.dense_weight >= 0 && options.dense_weight <= 1)) {
    throw std::invalid_argument("`dense_weight` must be in [0, 1], but is " + std::to_string(options.dense_weight) + " instead.");
  }
  if (!(options.neighbours_weight >= 0 && std::isfinite(options.neighbours_weight))) {
    throw std::invalid_argument("`neighbours_weight` must be a finite number from 0 up, but is " + std::to_string(options.neighbours_weight) + " instead.");
  }
}

// A ranking that is fused, without labels that read like an earlier one.
struct Ranking {
  uint8_t source;
  RankedLists lists;
};

template <typename Label>
void append(RankedLists& lists, std::span<const Label> labels, std::span<const float> scores, const Twins& twins) {
  for (size_t j = 0; j < labels.size(); ++j) {
    if (!twins.is_first(labels[j])) continue;
    lists.labels.push_back(labels[j]);
    lists.scores.push_back(scores[j]);
  }
  lists.offsets.push_back(static_cast<int64_t>(lists.labels.size()));
}

RankedLists first_labels(const Shortlists& shortlists, const Twins& twins) {
  RankedLists lists;
  for (int64_t i = 0; i < static_cast<int64_t>(shortlists.documents.size()); ++i) {
    append(lists, shortlists[i], std::span(shortlists.scores).subspan(i * shortlists.k, shortlists.k), twins);
  }
  return lists;
}

RankedLists first_labels(const RankedLists& all, const Twins& twins) {
  if (twins.size() == 0) return all;
  RankedLists lists;
  for (int64_t i = 0; i < all.size(); ++i) append(lists, all.labels_of(i), all.scores_of(i), twins);
  return lists;
}

[[noreturn]] void refuse(const char* name, const std::string& fault) { throw std::invalid_argument("The ranking `" + std::string(name) + "` " + fault); }

template <typename Lists>
Ranking take_ranking(const char* name, uint8_t source, const Lists* lists, const Twins& twins, size_t num_documents) {
  if (lists == nullptr) refuse(name, "is among the sources, but is missing.");
  Ranking ranking{source, first_labels(*lists, twins)};
  if (ranking.lists.size() != static_cast<int64_t>(num_documents)) {
    refuse(name, "must be of " + std::to_string(num_documents) + " documents, but is of " + std::to_string(ranking.lists.size()) + " instead.");
  }
  return ranking;
}

std::vector<Ranking> take_rankings(std::span<const int64_t> documents, const ProposalRankings& given, const Twins& twins, uint8_t sources) {
  std::vector<Ranking> rankings;
  if (sources & proposed_by::dense) {
    rankings.push_back(take_ranking("dense", proposed_by::dense, given.dense, twins, documents.size()));
    if (!std::equal(documents.begin(), documents.end(), given.dense->documents.begin())) refuse("dense", "is of other documents.");
  }
  if (sources & proposed_by::bm25) rankings.push_back(take_ranking("bm25", proposed_by::bm25, given.bm25, twins, documents.size()));
  if (sources & proposed_by::neighbours) rankings.push_back(take_ranking("neighbours", proposed_by::neighbours, given.neighbours, twins, documents.size()));
  if (rankings.empty()) throw std::invalid_argument("`sources` must name a ranking: dense, bm25 or neighbours.");
  return rankings;
}

// One alone keeps its scores.
RankedLists fuse(std::span<const Ranking> rankings, const ProposalOptions& options, const std::stop_token& stop) {
  const bool by_score = rankings.size() == 1 || options.dense_weight > 0;
  std::vector<FusionSource> sources;
  for (const Ranking& ranking : rankings) {
    FusionSource& source = sources.emplace_back(FusionSource{.lists = &ranking.lists});
    if (rankings.size() == 1) continue;
    if (by_score) {
      const bool is_dense = ranking.source == proposed_by::dense, any_dense = rankings.front().source == proposed_by::dense;
      source.weight = is_dense ? options.dense_weight : (1 - options.dense_weight) / static_cast<double>(rankings.size() - any_dense);
      source.divide_by_best = !is_dense;
    }
    if (ranking.source == proposed_by::neighbours) source.weight *= options.neighbours_weight;
  }
  const FusionOptions fusion{.k = std::max<int64_t>(1, options.size - options.exploration)};
  return by_score ? fuse_scores(sources, fusion, stop) : fuse_ranks(sources, fusion, stop);
}

// The labels of list i of each ranking, by rising number.
struct Listed {
  uint8_t source;
  std::vector<int64_t> labels;
};

std::vector<Listed> labels_listed(std::span<const Ranking> rankings, int64_t i) {
  std::vector<Listed> listed;
  for (const Ranking& ranking : rankings) {
    const auto labels = ranking.lists.labels_of(i);
    listed.push_back({ranking.source, {labels.begin(), labels.end()}});
    std::sort(listed.back().labels.begin(), listed.back().labels.end());
  }
  return listed;
}

uint8_t sources_of(int64_t label, std::span<const Listed> listed) {
  uint8_t sources = 0;
  for (const Listed& list : listed) {
    if (std::binary_search(list.labels.begin(), list.labels.end(), label)) sources |= list.source;
  }
  return sources;
}

// `count` of the labels in `from` that no list has, or all where there are fewer, in random order.
std::vector<int64_t> draw_unlisted(std::span<const int64_t> from, std::span<const Listed> listed, int64_t count, uint64_t key) {
  size_t num_listed = 0;
  for (const Listed& list : listed) num_listed += list.labels.size();
  detail::KeyedRandom random(key);
  std::vector<int64_t> drawn;
  if (2 * (num_listed + static_cast<size_t>(count)) < from.size()) {
    // Every second draw or more is a new one.
    std::unordered_set<int64_t> taken;
    while (static_cast<int64_t>(drawn.size()) < count) {
      const int64_t label = from[random.below(static_cast<int64_t>(from.size()))];
      if (sources_of(label, listed) == 0 && taken.insert(label).second) drawn.push_back(label);
    }
    return drawn;
  }
  std::copy_if(from.begin(), from.end(), std::back_inserter(drawn), [&](int64_t label) { return sources_of(label, listed) == 0; });
  const auto kept = std::min<int64_t>(count, static_cast<int64_t>(drawn.size()));
  for (int64_t i = 0; i < kept; ++i) std::swap(drawn[i], drawn[i + random.below(static_cast<int64_t>(drawn.size()) - i)]);
  drawn.resize(static_cast<size_t>(kept));
  return drawn;
}

void add(Proposals& proposals, int64_t label, float score, uint8_t sources) {
  proposals.labels.push_back(static_cast<int32_t>(label));
  proposals.scores.push_back(score);
  proposals.sources.push_back(sources);
}

}  // namespace

uint8_t parse_sources(const std::string& names) {
  uint8_t sources = 0;
  for (size_t begin = 0; begin <= names.size();) {
    const size_t end = std::min(names.find('+', begin), names.size());
    const std::string name = names.substr(begin, end - begin);
    const auto* known = std::find_if(std::begin(source_names), std::end(source_names), [&](const auto& entry) { return name == entry.name; });
    if (known == std::end(source_names)) {
      throw std::invalid_argument("`shortlist_sources` must be of dense, bm25 and neighbours, joined by \"+\", but is \"" + names.substr(0, 64) +
                                  "\" instead.");
    }
    sources |= known->source;
    begin = end + 1;
  }
  return sources;
}

// What a student has learned goes beyond words: from the second cycle on the other sources count a third.
ProposalOptions ProposalOptions::of(const TrainerOptions& options, int64_t cycle) {
  return {.sources = parse_sources(options.shortlist_sources),
          .size = options.shortlist_size > 0 ? options.shortlist_size : options.judgments_per_cycle,
          .exploration = options.exploration,
          .dense_weight = cycle > 0 && options.dense_weight > 0 ? 1 - (1 - options.dense_weight) / 3 : options.dense_weight,
          .neighbours_weight = options.neighbours_weight,
          .seed = options.seed,
          .cycle = cycle};
}

Proposals propose(std::span<const int64_t> documents, const ProposalRankings& given, int64_t num_labels, const Twins& label_twins,
                  const ProposalOptions& options, std::stop_token stop) {
  check(options);
  const std::vector<Ranking> rankings = take_rankings(documents, given, label_twins, options.sources);
  const RankedLists fused = fuse(rankings, options, stop);
  const std::vector<int64_t> drawn_from = options.exploration > 0 ? label_twins.firsts(num_labels) : std::vector<int64_t>();
  const int64_t most_fused = options.size - options.exploration;
  Proposals proposals;
  proposals.documents.assign(documents.begin(), documents.end());
  for (int64_t i = 0; i < proposals.size(); ++i) {
    if (i % 4096 == 0) check_stop(stop);
    const std::vector<Listed> listed = labels_listed(rankings, i);
    const auto labels = fused.labels_of(i);
    const auto count = std::min<size_t>(labels.size(), static_cast<size_t>(most_fused));
    for (size_t j = 0; j < count; ++j) add(proposals, labels[j], fused.scores_of(i)[j], sources_of(labels[j], listed));
    if (options.exploration > 0) {
      const uint64_t key = detail::random_key(options.seed, "exploration", {options.cycle, documents[i]});
      for (const int64_t label : draw_unlisted(drawn_from, listed, options.exploration, key)) add(proposals, label, 0, proposed_by::exploration);
    }
    proposals.offsets.push_back(static_cast<int64_t>(proposals.labels.size()));
  }
  return proposals;
}

void add_cosines(Proposals& proposals, const at::Tensor& document_vectors, const at::Tensor& label_vectors) {
  if (document_vectors.dim() != 2 || document_vectors.size(0) != proposals.size()) {
    throw std::invalid_argument("`document_vectors` must have a row for each of the " + std::to_string(proposals.size()) + " documents, but has shape " +
                                c10::str(document_vectors.sizes()) + " instead.");
  }
  const auto num_pairs = static_cast<int64_t>(proposals.labels.size());
  std::vector<int64_t> places(proposals.labels.size()), labels(proposals.labels.begin(), proposals.labels.end());
  for (int64_t i = 0; i < proposals.size(); ++i) std::fill(places.begin() + proposals.offsets[i], places.begin() + proposals.offsets[i + 1], i);
  proposals.cosines.resize(proposals.labels.size());
  for (int64_t begin = 0; begin < num_pairs; begin += pairs_at_once) {
    const int64_t count = std::min(pairs_at_once, num_pairs - begin);
    const auto rows = [&](const at::Tensor& vectors, std::vector<int64_t>& numbers) {
      return vectors.index_select(0, at::from_blob(numbers.data() + begin, {count}, at::kLong).to(vectors.device()));
    };
    const at::Tensor cosines = rows(document_vectors, places).mul(rows(label_vectors, labels)).sum(1).cpu().contiguous();
    std::memcpy(proposals.cosines.data() + begin, cosines.const_data_ptr<float>(), static_cast<size_t>(count) * sizeof(float));
  }
}

bool Proposals::within(int64_t num_documents, int64_t num_labels) const {
  const bool documents_fit = documents.empty() || documents.back() < num_documents;
  return documents_fit && std::all_of(labels.begin(), labels.end(), [&](int32_t label) { return label < num_labels; });
}

void Proposals::save(const std::filesystem::path& file) const {
  ArrayFileWriter writer;
  writer.add(documents);
  writer.add(offsets);
  writer.add(labels);
  writer.add(scores);
  writer.add(sources);
  writer.add(cosines);
  writer.save(file, kind);
}

Proposals Proposals::load(const std::filesystem::path& file) {
  ArrayFileReader reader(file, kind);
  Proposals proposals;
  proposals.documents = reader.next<int64_t>();
  proposals.offsets = reader.next<int64_t>();
  proposals.labels = reader.next<int32_t>();
  proposals.scores = reader.next<float>();
  proposals.sources = reader.next<uint8_t>();
  proposals.cosines = reader.next<float>();
  reader.finish();
  const size_t count = proposals.labels.size();
  const auto& offsets = proposals.offsets;
  const bool framed = offsets.size() == proposals.documents.size() + 1 && offsets.front() == 0 && offsets.back() == static_cast<int64_t>(count);
  if (!framed || !std::is_sorted(offsets.begin(), offsets.end())) reader.refuse();
  if (proposals.scores.size() != count || proposals.sources.size() != count || (!proposals.cosines.empty() && proposals.cosines.size() != count))
    reader.refuse();
  if (!rises(proposals.documents) || (!proposals.documents.empty() && proposals.documents.front() < 0)) reader.refuse();
  if (std::any_of(proposals.labels.begin(), proposals.labels.end(), [](int32_t label) { return label < 0; })) reader.refuse();
  if (std::any_of(proposals.sources.begin(), proposals.sources.end(), [](uint8_t bits) { return bits == 0 || bits > all_sources; })) reader.refuse();
  return proposals;
}

}  // namespace lmtx
