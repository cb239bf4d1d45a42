#include "lmtx/train/pooled_selection.h"

#include <algorithm>

#include "lmtx/detail/fault.h"
#include "lmtx/train/shortlister.h"

namespace lmtx {

namespace fs = std::filesystem;

namespace {

constexpr const char *of_student = "ranked", *of_base = "untouched";

// A ranking by a cycle's student: its file, and the share of `prototype_weight` that its labels have.
struct Ranking {
  const char* name;
  double share;
};

std::vector<Ranking> rankings_of(const TrainerOptions& options) {
  if (options.prototype_weight == 0) return {{of_student, 1}};
  return {{of_student, 1}, {"ranked-half", 0.5}, {"ranked-names", 0}};
}

}  // namespace

PooledSelection::PooledSelection(const ViewStages& stages, const WorkFolder& folder, const TrainerOptions& options, const RunTexts& texts, int64_t pairs)
    : stages_(stages), folder_(folder), options_(options), texts_(texts), pairs_(pairs) {}

void PooledSelection::rank(int64_t cycle, std::span<const JudgedDocument> judged) const {
  for (const Ranking& ranking : rankings_of(options_)) {
    const fs::path file = folder_.cycle(cycle) / ranking.name;
    if (!fs::exists(file)) stages_.rank_held_out(cycle, stages_.refined(cycle, judged, ranking.share), options_.held_out_labels).save(file);
  }
  const fs::path base = folder_.cycle(cycle) / of_base;
  if (cycle == 0 && !fs::exists(base)) stages_.rank_held_out(-1, stages_.index(-1), options_.held_out_labels).save(base);
}

int64_t PooledSelection::most_wanted() const {
  return static_cast<int64_t>(texts_.split.development.size() * rankings_of(options_).size()) * options_.held_out_labels;
}

AskedPairs PooledSelection::wanted(int64_t cycle, std::span<const AskedPairs> asked) const {
  std::vector<RankedLabels> rankings;
  for (const Ranking& ranking : rankings_of(options_)) rankings.push_back(load(cycle, ranking.name));
  if (cycle == 0) {
    rankings.push_back(load(cycle, of_base));
    rankings.push_back(by_words());
  }
  const int64_t up_to_here = pairs_ * (cycle + 1 + options_.cycles) / (2 * options_.cycles);
  // Words are no candidate, but what they rank first a later student may rank first, too.
  return held_out_questions(texts_.split.development, rankings, verdicts(asked), options_.held_out_labels,
                            std::max<int64_t>(0, up_to_here - num_charged(asked)), cycle == 0 ? 1 : 0);
}

double PooledSelection::kept_share(int64_t cycle, std::span<const AskedPairs> asked) const {
  return options_.prototype_weight == 0 ? 1 : kept(cycle, asked).prototype_weight / options_.prototype_weight;
}

std::vector<Candidate> PooledSelection::candidates(std::span<const AskedPairs> asked) const {
  const std::vector<PastPair> newest = verdicts(asked);
  std::vector<Candidate> candidates{{.cycle = -1, .prototype_weight = 0, .targets = first_targets(texts_.split.development, load(0, of_base), newest)}};
  for (int64_t cycle = 0; cycle < static_cast<int64_t>(asked.size()) && is_ranked(cycle); ++cycle) {
    Candidate candidate = kept(cycle, asked);
    for (const Ranking& ranking : rankings_of(options_)) {
      if (ranking.share * options_.prototype_weight != candidate.prototype_weight) continue;
      candidate.targets = first_targets(texts_.split.development, load(cycle, ranking.name), newest);
    }
    candidates.push_back(std::move(candidate));
  }
  return candidates;
}

// With its targets by the verdicts of that time.
Candidate PooledSelection::kept(int64_t cycle, std::span<const AskedPairs> asked) const {
  const std::vector<PastPair> then = verdicts(asked.first(static_cast<size_t>(cycle) + 1));
  std::vector<Candidate> own;
  for (const Ranking& ranking : rankings_of(options_)) {
    own.push_back({.cycle = cycle,
                   .prototype_weight = ranking.share * options_.prototype_weight,
                   .targets = first_targets(texts_.split.development, load(cycle, ranking.name), then)});
  }
  return own[best_in_mean(own)];
}

bool PooledSelection::is_ranked(int64_t cycle) const { return fs::exists(folder_.cycle(cycle) / of_student); }

RankedLabels PooledSelection::load(int64_t cycle, const std::string& ranking) const {
  const fs::path file = folder_.cycle(cycle) / ranking;
  const Shortlists lists = Shortlists::load(file);
  if (lists.documents != texts_.split.development) detail::fail(file.string(), "is of other documents than those that are held out.");
  if (!lists.within(texts_.documents.size(), texts_.labels.size())) detail::fail(file.string(), "names labels that this run does not have.");
  RankedLabels labels;
  for (size_t i = 0; i < lists.documents.size(); ++i) {
    const auto of = lists[static_cast<int64_t>(i)];
    labels.push_back(without_twins(std::vector<int64_t>(of.begin(), of.end())));
  }
  return labels;
}

RankedLabels PooledSelection::by_words() const {
  const RankedLists words = stages_.words_of_held_out();
  RankedLabels labels;
  for (int64_t i = 0; i < words.size(); ++i) labels.push_back(without_twins(words.labels_of(i)));
  return labels;
}

// Labels that read alike are one question.
std::vector<int64_t> PooledSelection::without_twins(std::span<const int64_t> labels) const {
  std::vector<int64_t> firsts;
  for (const int64_t label : labels) {
    const int64_t first = texts_.label_twins.first(label);
    if (std::find(firsts.begin(), firsts.end(), first) == firsts.end()) firsts.push_back(first);
  }
  return firsts;
}

std::vector<PastPair> PooledSelection::verdicts(std::span<const AskedPairs> asked) const {
  return past_pairs(asked, [this](int64_t /*document*/, const AskedPair& pair) { return pair.score >= options_.yes_above ? 1 : 0; });
}

}  // namespace lmtx
