#include "lmtx/train/estimate.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>
#include <vector>

#include "lmtx/detail/random.h"
#include "lmtx/eval/bootstrap.h"
#include "lmtx/train/document_seeker.h"

namespace lmtx {

namespace {

constexpr int64_t most_sampled = 200;
constexpr double seconds_an_hour = 3600;

Interval operator*(double factor, const Interval& interval) { return {factor * interval.value, factor * interval.low, factor * interval.high}; }

// Different numbers below `below`, rising.
std::vector<int64_t> draw(int64_t count, int64_t below, uint64_t key) {
  std::set<int64_t> drawn;
  detail::KeyedRandom random(key);
  while (static_cast<int64_t>(drawn.size()) < std::min(count, below)) drawn.insert(random.below(below));
  return {drawn.begin(), drawn.end()};
}

std::vector<LabelToJudge> draw_labels(const LabelSet& labels, int64_t count, uint64_t key) {
  std::vector<LabelToJudge> drawn;
  for (const int64_t number : draw(count, labels.size(), key)) {
    const Label& label = labels[number];
    drawn.push_back({.uid = label.uid, .name = label.name, .description = label.description});
  }
  return drawn;
}

std::vector<Usage> sample(const TeacherOracle& teacher, const Corpus& documents, const LabelSet& labels, int64_t labels_each, uint64_t seed) {
  std::vector<Usage> usages;
  DocumentSeeker seeker(documents);
  Document document;
  for (const int64_t number : draw(most_sampled, documents.size(), detail::random_key(seed, "documents of an estimate"))) {
    if (!seeker.read(number, document)) break;
    const auto drawn = draw_labels(labels, labels_each, detail::random_key(seed, "labels of an estimate", {number}));
    usages.push_back(teacher.estimate({.uid = document.uid, .title = document.title, .content = document.content, .labels = drawn}));
  }
  return usages;
}

double hours_of(const Usage& usage, bool cached, double tokens_per_second) {
  if (tokens_per_second <= 0) return usage.seconds / seconds_an_hour;
  const int64_t tokens = usage.prompt_tokens - (cached ? usage.cached_tokens : 0) + usage.completion_tokens;
  return static_cast<double>(tokens) / tokens_per_second / seconds_an_hour;
}

// As if no prompt token came from a cache.
Usage uncached(Usage usage) {
  usage.cached_tokens = 0;
  return usage;
}

// The estimate for `times` as many questions as `usages` are a sample of.
Estimate scaled(const std::vector<Usage>& usages, double times, const Rates& rates) {
  const auto total = [&](auto value_of) {
    std::vector<double> values;
    for (const Usage& usage : usages) values.push_back(static_cast<double>(value_of(usage)));
    return times * bootstrap_mean(values);
  };
  const auto known = [](const Interval& interval) { return interval.value > 0 ? std::optional(interval) : std::nullopt; };
  return {.prompt_tokens = total([](const Usage& usage) { return usage.prompt_tokens; }),
          .computed_tokens = total([](const Usage& usage) { return usage.prompt_tokens - usage.cached_tokens; }),
          .completion_tokens = total([](const Usage& usage) { return usage.completion_tokens; }),
          .cost = known(total([&](const Usage& usage) { return priced(uncached(usage), rates).cost; })),
          .cost_with_cache = known(total([&](const Usage& usage) { return priced(usage, rates).cost; })),
          .hours = known(total([&](const Usage& usage) { return hours_of(usage, /*cached=*/false, rates.tokens_per_second); })),
          .hours_with_cache = known(total([&](const Usage& usage) { return hours_of(usage, /*cached=*/true, rates.tokens_per_second); }))};
}

bool tells_nothing(const Usage& usage) { return usage == Usage{}; }

}  // namespace

std::optional<Estimate> estimate(const Plan& plan, const TeacherOracle& teacher, const Corpus& documents, const LabelSet& labels, const Rates& rates,
                                 const std::function<EarlierAnswers()>& earlier, uint64_t seed) {
  const auto judgments = static_cast<double>(plan.judgments);
  const int64_t labels_each = std::clamp<int64_t>(std::llround(judgments / std::max(1.0, static_cast<double>(plan.questions))), 1, labels.size());
  const std::vector<Usage> usages = sample(teacher, documents, labels, labels_each, seed);
  if (!std::all_of(usages.begin(), usages.end(), tells_nothing)) {
    Estimate result = scaled(usages, judgments / static_cast<double>(labels_each), rates);
    result.sampled = static_cast<int64_t>(usages.size());
    return result;
  }
  const EarlierAnswers answers = earlier();
  if (answers.judgments == 0 || tells_nothing(answers.usage)) return std::nullopt;
  // Calls that ran at once took less time than their sum: how long it takes nobody knows.
  Usage each = answers.usage;
  each.seconds = 0;
  return scaled({each}, judgments / static_cast<double>(answers.judgments), rates);
}

std::string first_limit(const Budget& budget, int64_t wanted, const std::optional<Estimate>& estimate) {
  std::string first;
  double most = 1;
  const auto look = [&](const auto& limit, const std::optional<double>& needed, const char* name) {
    const double share = limit && needed ? *needed / std::max(static_cast<double>(*limit), 1e-12) : 0;
    if (share > most) first = name, most = share;
  };
  // The others are of the judgments that are left when these are cut.
  const double share = budget.judgments && wanted > 0 ? std::min(1.0, static_cast<double>(*budget.judgments) / static_cast<double>(wanted)) : 1;
  const auto before_cut = [&](double value) { return value / std::max(share, 1e-12); };
  look(budget.judgments, static_cast<double>(wanted), "judgments");
  if (!estimate) return first;
  look(budget.tokens, before_cut(estimate->prompt_tokens.value + estimate->completion_tokens.value), "tokens");
  if (estimate->cost_with_cache) look(budget.cost, before_cut(estimate->cost_with_cache->value), "cost");
  if (estimate->hours_with_cache) look(budget.seconds, before_cut(estimate->hours_with_cache->value * seconds_an_hour), "seconds");
  return first;
}

}  // namespace lmtx
