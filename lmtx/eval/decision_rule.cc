#include "lmtx/eval/decision_rule.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <unordered_map>

#include "lmtx/detail/quote.h"
#include "lmtx/eval/decision_cuts.h"
#include "lmtx/eval/decision_rule_impl.h"
#include "lmtx/eval/decision_sample.h"

namespace lmtx {

using detail::DecisionAim;
using detail::DecisionPair;
using detail::DecisionSample;

namespace {

void check_between(const char* name, double value, double low, double high) {
  if (value > low && value < high) return;
  throw std::invalid_argument("`" + std::string(name) + "` must lie between " + std::to_string(low) + " and " + std::to_string(high) + ", but is " +
                              std::to_string(value) + " instead.");
}

void check_count(const char* name, int64_t value) {
  if (value >= 1) return;
  throw std::invalid_argument("`" + std::string(name) + "` of the decision rule must be at least 1, but is " + std::to_string(value) + " instead.");
}

// For each label in a group the group's place.
std::unordered_map<int64_t, size_t> groups_of(const std::vector<LabelGroup>& groups) {
  std::unordered_map<int64_t, size_t> group_of;
  for (size_t i = 0; i < groups.size(); ++i) {
    for (const int64_t label : groups[i].labels) {
      const auto [there, is_new] = group_of.try_emplace(label, i);
      if (is_new || there->second == i) continue;
      throw std::invalid_argument("Label " + std::to_string(label) + " is in two groups, " + detail::quote(groups[there->second].name) + " and " +
                                  detail::quote(groups[i].name) + ".");
    }
  }
  return group_of;
}

void check_options(const DecisionPairs& pairs, const DecisionOptions& options) {
  check_count("k_most", options.k_most);
  check_between("confidence", options.confidence, 0.5, 1);
  if (!options.groups.empty() && pairs.labels.empty() && !pairs.scores.empty()) {
    throw std::invalid_argument("`labels` must say which label each pair is about where there are groups, but is empty.");
  }
}

bool is_enough_for_group(const DecisionCut& cut, const DecisionSample& sample) {
  const int64_t with_candidates = sample.documents_with([](const DecisionPair& pair) { return pair.candidate(); });
  return !cut.thin() && std::min(cut.documents, with_candidates) >= DecisionRule::fewest_documents;
}

DecisionCut named(DecisionCut cut, const LabelGroup& group) {
  cut.group = group.name;
  cut.labels = group.labels;
  std::sort(cut.labels.begin(), cut.labels.end());
  cut.labels.erase(std::unique(cut.labels.begin(), cut.labels.end()), cut.labels.end());
  return cut;
}

// The cut of all labels without one of their own. A promise of precision must not lean on the pairs of others; what else is too thin alone takes the cut of
// all.
DecisionCut fit_rest(const DecisionSample& all, const DecisionSample& rest, const DecisionAim& aim) {
  DecisionCut cut = fit_cut(rest, aim);
  if (cut.thin() && aim.kind != DecisionKind::precision && rest.pairs.size() != all.pairs.size()) cut.score = fit_cut(all, aim).score;
  return cut;
}

std::vector<DecisionCut> fit_cuts(const DecisionSample& sample, const DecisionAim& aim, const std::vector<LabelGroup>& groups) {
  const std::unordered_map<int64_t, size_t> group_of = groups_of(groups);
  std::vector<DecisionCut> cuts = {DecisionCut{}};
  std::vector<bool> own(groups.size(), false);
  for (size_t i = 0; i < groups.size(); ++i) {
    const auto in_group = [&](int64_t label) {
      const auto found = group_of.find(label);
      return found != group_of.end() && found->second == i;
    };
    const DecisionSample of_group = sample.filtered(in_group);
    DecisionCut cut = fit_cut(of_group, aim);
    own[i] = is_enough_for_group(cut, of_group);
    if (own[i]) cuts.push_back(named(std::move(cut), groups[i]));
  }
  const auto in_rest = [&](int64_t label) {
    const auto found = group_of.find(label);
    return found == group_of.end() || !own[found->second];
  };
  cuts[0] = fit_rest(sample, sample.filtered(in_rest), aim);
  return cuts;
}

// Cosines lie in [-1, 1], what is calibrated in [0, 1].
double to_unit(double score) { return std::clamp((1 + score) / 2, 0.0, 1.0); }

std::optional<Calibration> fit_calibration(const DecisionSample& sample, uint64_t seed) {
  std::vector<double> scores, gold, weights;
  std::vector<int64_t> documents;
  for (const DecisionPair& pair : sample.pairs) {
    if (!pair.candidate() || !pair.known()) continue;
    scores.push_back(to_unit(pair.score));
    gold.push_back(pair.gold);
    weights.push_back(pair.weight);
    documents.push_back(pair.document);
  }
  const int64_t yeses = sample.yeses(), noes = sample.known() - yeses;
  if (std::min(yeses, noes) < Calibration::fewest_of_each) return std::nullopt;
  return Calibration::fit({.scores = scores, .gold = gold, .weights = weights, .documents = documents}, seed);
}

// Where all is too thin there are cuts at everything: fewer tags, then.
int64_t tags_without_cuts(const DecisionAim& aim, int64_t k_most) {
  if (aim.kind == DecisionKind::f1) return std::min(k_most, DecisionRule::few_tags);
  if (aim.kind == DecisionKind::number) return std::clamp<int64_t>(std::llround(aim.aim), 1, k_most);
  return k_most;
}

}  // namespace

const char* to_string(DecisionKind kind) {
  switch (kind) {
    case DecisionKind::top:
      return "top";
    case DecisionKind::precision:
      return "precision";
    case DecisionKind::f1:
      return "f1";
    case DecisionKind::number:
      return "number";
    case DecisionKind::coverage:
      return "coverage";
  }
  return "";
}

void DecisionRule::Impl::index_groups() {
  for (size_t i = 1; i < cuts.size(); ++i) {
    for (const int64_t label : cuts[i].labels) {
      if (!cut_of.try_emplace(label, i).second) throw std::invalid_argument("Label " + std::to_string(label) + " is in two groups.");
    }
  }
}

DecisionRule::DecisionRule(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
DecisionRule::DecisionRule() : DecisionRule(top(few_tags)) {}

DecisionRule DecisionRule::top(int64_t k) {
  check_count("k", k);
  Impl impl;
  impl.k = k;
  impl.aim = std::nan("");
  return DecisionRule(std::make_shared<const Impl>(std::move(impl)));
}

DecisionRule DecisionRule::fit(const DecisionPairs& pairs, DecisionKind kind, double aim, const DecisionOptions& options) {
  check_options(pairs, options);
  const DecisionSample sample = DecisionSample::take(pairs, options.k_most);
  const DecisionAim wanted{.kind = kind, .aim = aim, .confidence = options.confidence, .seed = options.seed};
  Impl impl;
  impl.kind = kind;
  impl.aim = aim;
  impl.confidence = options.confidence;
  impl.judge = options.judge;
  impl.cuts = fit_cuts(sample, wanted, options.groups);
  const bool uncut = impl.cuts.size() == 1 && impl.cuts[0].thin();
  impl.k = uncut ? tags_without_cuts(wanted, options.k_most) : options.k_most;
  if (options.calibrate) impl.calibration = fit_calibration(sample, options.seed);
  impl.index_groups();
  return DecisionRule(std::make_shared<const Impl>(std::move(impl)));
}

DecisionRule DecisionRule::by_precision(const DecisionPairs& pairs, double target, const DecisionOptions& options) {
  check_between("target", target, 0, 1);
  return fit(pairs, DecisionKind::precision, target, options);
}

DecisionRule DecisionRule::by_f1(const DecisionPairs& pairs, const DecisionOptions& options) { return fit(pairs, DecisionKind::f1, std::nan(""), options); }

DecisionRule DecisionRule::by_number(const DecisionPairs& pairs, double number, const DecisionOptions& options) {
  check_between("number", number, 0, static_cast<double>(options.k_most) + 0.5);
  return fit(pairs, DecisionKind::number, number, options);
}

DecisionRule DecisionRule::by_coverage(const DecisionPairs& pairs, double coverage, const DecisionOptions& options) {
  check_between("coverage", coverage, 0, 1);
  return fit(pairs, DecisionKind::coverage, coverage, options);
}

DecisionKind DecisionRule::kind() const { return impl_->kind; }
int64_t DecisionRule::k() const { return impl_->k; }
double DecisionRule::aim() const { return impl_->aim; }
double DecisionRule::confidence() const { return impl_->confidence; }
const std::string& DecisionRule::judge() const { return impl_->judge; }
const std::vector<DecisionCut>& DecisionRule::cuts() const { return impl_->cuts; }

const DecisionCut& DecisionRule::cut_of(int64_t label) const {
  const auto found = impl_->cut_of.find(label);
  return impl_->cuts[found == impl_->cut_of.end() ? 0 : found->second];
}

const Calibration* DecisionRule::calibration() const { return impl_->calibration ? &*impl_->calibration : nullptr; }

std::optional<double> DecisionRule::probability(double score) const {
  if (!impl_->calibration) return std::nullopt;
  return (*impl_->calibration)(to_unit(score));
}

DecisionRule DecisionRule::with_calibration(Calibration calibration) const {
  Impl impl = *impl_;
  impl.calibration = std::move(calibration);
  return DecisionRule(std::make_shared<const Impl>(std::move(impl)));
}

bool DecisionRule::thin() const {
  int64_t pairs = 0;
  for (const DecisionCut& cut : cuts()) pairs += cut.pairs;
  const bool by_too_little_gold = kind() == DecisionKind::precision && judge().empty() && pairs < fewest_gold;
  return by_too_little_gold || std::any_of(cuts().begin(), cuts().end(), [](const DecisionCut& cut) { return cut.thin(); });
}

bool DecisionRule::gives_tags() const {
  return std::any_of(cuts().begin(), cuts().end(), [](const DecisionCut& cut) { return cut.score != DecisionCut::nothing; });
}

}  // namespace lmtx
