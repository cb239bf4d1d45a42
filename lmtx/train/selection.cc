#include "lmtx/train/selection.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "lmtx/train/options.h"

namespace lmtx {

namespace {

constexpr double share_of_judgments = 0.08;
constexpr int64_t fewest = 150, most = 800, labels_a_document = 5;

// Null where the pair has no answer.
const PastPair* find(std::span<const PastPair> pairs, int64_t document, int64_t label) {
  const auto place = [](const PastPair& pair) { return std::pair<int64_t, int64_t>(pair.document, pair.label); };
  const std::pair wanted(document, label);
  const auto found = std::lower_bound(pairs.begin(), pairs.end(), wanted, [&](const PastPair& pair, const auto& of) { return place(pair) < of; });
  return found == pairs.end() || place(*found) != wanted ? nullptr : &*found;
}

void check_ranking(const RankedLabels& ranked, size_t documents) {
  if (ranked.size() != documents) {
    throw std::invalid_argument("A ranking must have a list for each of the " + std::to_string(documents) + " documents held out, but has " +
                                std::to_string(ranked.size()) + " instead.");
  }
}

// The values of both on the documents that both have.
std::pair<std::vector<double>, std::vector<double>> in_common(std::span<const double> a, std::span<const double> b) {
  if (a.size() != b.size()) throw std::logic_error("Candidates are measured on different documents (a bug in LMTX).");
  std::pair<std::vector<double>, std::vector<double>> common;
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i]) || std::isnan(b[i])) continue;
    common.first.push_back(a[i]);
    common.second.push_back(b[i]);
  }
  return common;
}

double mean(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size()); }

// In the mean over the documents that both have.
bool is_better(const Candidate& a, const Candidate& b) {
  const auto [first, second] = in_common(a.targets, b.targets);
  return !first.empty() && mean(first) > mean(second);
}

// The first against the second.
Comparison compare(const Candidate& a, const Candidate& b) {
  const auto [first, second] = in_common(a.targets, b.targets);
  return compare_means(first, second);
}

std::string per_cent(double fraction) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", 100 * fraction);
  return text;
}

}  // namespace

// --- the questions ---

int64_t held_out_size(int64_t documents, std::optional<int64_t> judgments) {
  const double paid = judgments ? share_of_judgments * static_cast<double>(*judgments) / labels_a_document : most;
  const auto wanted = static_cast<int64_t>(std::clamp<double>(paid, fewest, most));
  return std::min(wanted, documents / 4);
}

AskedPairs held_out_questions(std::span<const int64_t> documents, std::span<const RankedLabels> rankings, std::span<const PastPair> known, int64_t depth,
                              int64_t limit, size_t num_last) {
  for (const RankedLabels& ranked : rankings) check_ranking(ranked, documents.size());
  std::vector<std::vector<int64_t>> wanted(documents.size());
  const auto add = [&](size_t i, int64_t label) {
    if (limit <= 0 || find(known, documents[i], label) || std::find(wanted[i].begin(), wanted[i].end(), label) != wanted[i].end()) return;
    wanted[i].push_back(label);
    --limit;
  };
  const size_t num_first = rankings.size() - num_last;
  for (int64_t place = 0; place < depth && limit > 0; ++place) {
    for (const auto& group : {rankings.first(num_first), rankings.subspan(num_first)}) {
      for (size_t i = 0; i < documents.size(); ++i) {
        for (const RankedLabels& ranked : group) {
          if (place < static_cast<int64_t>(ranked[i].size())) add(i, ranked[i][place]);
        }
      }
    }
  }
  AskedPairs pairs;
  for (size_t i = 0; i < documents.size(); ++i) pairs.add(documents[i], wanted[i]);
  return pairs;
}

std::vector<double> first_targets(std::span<const int64_t> documents, const RankedLabels& ranked, std::span<const PastPair> verdicts) {
  check_ranking(ranked, documents.size());
  std::vector<double> targets(documents.size(), std::numeric_limits<double>::quiet_NaN());
  for (size_t i = 0; i < documents.size(); ++i) {
    if (ranked[i].empty()) continue;
    if (const PastPair* verdict = find(verdicts, documents[i], ranked[i].front())) targets[i] = verdict->target;
  }
  return targets;
}

std::optional<Interval> expected_precision(std::span<const double> targets) {
  const std::vector<double> known = in_common(targets, targets).first;
  if (known.empty()) return std::nullopt;
  return bootstrap_mean(known);
}

// --- the decision ---

size_t best_in_mean(std::span<const Candidate> candidates) {
  size_t best = 0;
  for (size_t i = 1; i < candidates.size(); ++i) {
    if (is_better(candidates[i], candidates[best])) best = i;
  }
  return best;
}

SelectionOptions SelectionOptions::of(const TrainerOptions& options) { return {.accept_confidence = options.accept_confidence, .patience = options.patience}; }

Selected select_student(std::span<const Candidate> candidates, const SelectionOptions& options) {
  Selected selected;
  if (candidates.empty()) return selected;
  selected.better.push_back(0.5);
  // The untouched encoder stands alone.
  for (size_t begin = 1, end = begin; begin < candidates.size(); begin = end) {
    while (end < candidates.size() && candidates[end].cycle == candidates[begin].cycle) ++end;
    const Candidate& best = candidates[static_cast<size_t>(selected.best)];
    for (size_t i = begin; i < end; ++i) selected.better.push_back(compare(candidates[i], best).better);
    const size_t of_cycle = begin + best_in_mean(candidates.subspan(begin, end - begin));
    const bool is_gain = is_better(candidates[of_cycle], best) && selected.better[of_cycle] >= options.accept_confidence;
    if (is_gain) selected.best = static_cast<int64_t>(of_cycle);
    // What becomes of the base encoder's vectors says nothing of training.
    if (candidates[begin].cycle < 0) continue;
    selected.without_gain = is_gain ? 0 : selected.without_gain + 1;
    if (selected.without_gain >= options.patience) selected.is_over = true;
  }
  // Steps on different documents can lead down: where teachers abstain.
  if (is_better(candidates[0], candidates[static_cast<size_t>(selected.best)])) selected.best = 0;
  return selected;
}

std::string why_base_was_kept(std::span<const Candidate> candidates, const SelectionOptions& options) {
  size_t first = 0;
  while (first < candidates.size() && candidates[first].cycle < 0) ++first;
  if (first == candidates.size()) return "There was no student to keep. The tagger carries the base encoder as it was.";
  const Candidate& best = candidates[first + best_in_mean(candidates.subspan(first))];
  const auto [student, base] = in_common(best.targets, candidates[0].targets);
  const std::string reason = "Training did not pay: on the documents held out no student was better than the base encoder with a probability of " +
                             per_cent(options.accept_confidence) + " or more";
  const std::string end = " The tagger carries the base encoder as it was.";
  if (student.empty()) return reason + ", as there were no verdicts to compare them by." + end;
  return reason + " (the best one, of cycle " + std::to_string(best.cycle) + ", has an expected precision@1 of " + per_cent(mean(student)) + " on " +
         std::to_string(student.size()) + " of them, the base encoder " + per_cent(mean(base)) + ")." + end;
}

}  // namespace lmtx
