#include "lmtx/eval/decision_rule.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "catch.h"
#include "lmtx/detail/random.h"
#include "lmtx/eval/decision_rule_json.h"
#include "lmtx/eval/proportion.h"

using namespace lmtx;

namespace {

constexpr double no_candidate = DecisionCut::everything;

// Pairs as their owner.
struct World {
  std::vector<double> scores, gold, weights;
  std::vector<int64_t> documents, labels;

  void add(double score, double is_true, int64_t document, int64_t label = 0, double weight = 1) {
    scores.push_back(score);
    gold.push_back(is_true);
    documents.push_back(document);
    labels.push_back(label);
    weights.push_back(weight);
  }

  DecisionPairs pairs() const { return {.scores = scores, .gold = gold, .weights = weights, .documents = documents, .labels = labels}; }
};

// Documents with ten candidates each, scores with many ties, the truth likelier the higher the score; of some documents true labels that are no candidates.
World draw_world(uint64_t seed, int64_t num_documents, double power = 1) {
  detail::KeyedRandom random(detail::random_key(seed, "decision test"));
  World world;
  for (int64_t document = 0; document < num_documents; ++document) {
    const double luck = 0.7 + 0.3 * random.uniform();
    for (int64_t label = 0; label < 10; ++label) {
      const double score = static_cast<double>(random.below(41)) / 40;
      world.add(score, random.uniform() < luck * std::pow(score, power) ? 1 : 0, document, label);
    }
    if (random.below(4) == 0) world.add(no_candidate, 1, document, 10);
  }
  return world;
}

std::set<double, std::greater<>> cuts_of(const World& world) {
  std::set<double, std::greater<>> cuts;
  for (const double score : world.scores) {
    if (score != no_candidate) cuts.insert(score);
  }
  return cuts;
}

struct Counts {
  double right = 0, returned = 0, truth = 0;
};

std::map<int64_t, Counts> count_at(const World& world, double cut) {
  std::map<int64_t, Counts> counts;
  for (size_t i = 0; i < world.scores.size(); ++i) {
    Counts& of_document = counts[world.documents[i]];
    const double weight = world.weights[i];
    const bool returned = world.scores[i] != no_candidate && world.scores[i] >= cut;
    of_document.returned += returned ? weight : 0;
    of_document.right += returned && world.gold[i] == 1 ? weight : 0;
    of_document.truth += world.gold[i] == 1 ? weight : 0;
  }
  return counts;
}

Counts sum(const std::map<int64_t, Counts>& counts) {
  Counts all;
  for (const auto& [document, of_document] : counts) {
    all.right += of_document.right;
    all.returned += of_document.returned;
    all.truth += of_document.truth;
  }
  return all;
}

// The bound as the header says, from scratch, for pairs of weight 1.
double precision_bound(const World& world, double cut, double confidence) {
  const auto counts = count_at(world, cut);
  const Counts all = sum(counts);
  const double p = all.right / all.returned;
  double squares = 0, returned_squares = 0, documents = 0;
  for (const auto& [document, c] : counts) {
    if (c.returned == 0) continue;
    squares += (c.right - p * c.returned) * (c.right - p * c.returned);
    returned_squares += c.returned * c.returned;
    documents += 1;
  }
  double effective = all.returned * all.returned / returned_squares;
  if (documents > 1 && p > 0 && p < 1) {
    effective = std::min(all.returned, p * (1 - p) / (squares / (all.returned * all.returned) * documents / (documents - 1)));
  }
  return detail::lower_bound(p * effective, effective, confidence);
}

double f1(const Counts& all) { return 2 * all.right / (all.returned + all.truth); }

DecisionRule through_json(const DecisionRule& rule) { return detail::read_decision_rule(detail::parse_json(detail::to_json(rule).dump(), "here"), "here"); }

}  // namespace

TEST_CASE("bounds of proportions are those of Clopper and Pearson") {
  // All of n: the n-th root of 1 - confidence.
  CHECK(detail::lower_bound(29, 29, 0.95) == Approx(std::pow(0.05, 1.0 / 29)).epsilon(1e-9));
  CHECK(detail::upper_bound(0, 29, 0.95) == Approx(1 - std::pow(0.05, 1.0 / 29)).epsilon(1e-9));
  // Their tables: 8 of 10 at 95 %, two-sided, is 0.444 to 0.975.
  CHECK(detail::lower_bound(8, 10, 0.975) == Approx(0.4439).epsilon(1e-3));
  CHECK(detail::upper_bound(8, 10, 0.975) == Approx(0.9748).epsilon(1e-3));
  for (double yeses = 0; yeses <= 20; yeses += 0.5) {
    const double bound = detail::lower_bound(yeses, 20, 0.9);
    CHECK(detail::is_at_least(bound - 1e-9, yeses, 20, 0.9));
    CHECK_FALSE(detail::is_at_least(bound + 1e-9, yeses, 20, 0.9));
  }
}

TEST_CASE("a cut by precision is the lowest one whose bound reaches the target") {
  for (const uint64_t seed : {1, 2, 3, 4, 5, 6, 7, 8}) {
    const World world = draw_world(seed, 150, 0.4);
    const double target = 0.55 + 0.04 * static_cast<double>(seed);
    double expected = DecisionCut::nothing, best = 0;
    for (const double cut : cuts_of(world)) {
      const double bound = precision_bound(world, cut, 0.95);
      best = std::max(best, bound);
      if (bound >= target) expected = cut;
    }
    const DecisionRule rule = DecisionRule::by_precision(world.pairs(), target, {.confidence = 0.95});
    REQUIRE(rule.cuts().size() == 1);
    const DecisionCut& cut = rule.cuts()[0];
    CHECK(cut.score == expected);
    CHECK(cut.met == (expected != DecisionCut::nothing));
    CHECK(rule.gives_tags() == cut.met);
    CHECK(cut.estimate.low == Approx(cut.met ? precision_bound(world, expected, 0.95) : best).epsilon(1e-9));
    CHECK(cut.estimate.low <= cut.estimate.value);
    CHECK(cut.estimate.value <= cut.estimate.high);
    CHECK(cut.fresh.value == cut.estimate.value);
    CHECK(cut.fresh.low < cut.estimate.low);
    CHECK(cut.fresh.high > cut.estimate.high);
    CHECK(cut.pairs == 1500);
    CHECK(cut.documents == 150);
  }
}

TEST_CASE("a higher target never lowers the cut") {
  const World world = draw_world(11, 200, 0.4);
  double last = no_candidate;
  for (double target = 0.3; target < 0.99; target += 0.03) {
    const double cut = DecisionRule::by_precision(world.pairs(), target).cuts()[0].score;
    CHECK(cut >= last);
    last = cut;
  }
  CHECK(last == DecisionCut::nothing);
}

TEST_CASE("pairs of one document are no independent evidence") {
  World apart, together;
  for (int64_t i = 0; i < 400; ++i) {
    apart.add(0.5, i % 20 == 0 ? 0 : 1, i);
    together.add(0.5, i % 20 == 0 ? 0 : 1, i % 20);
  }
  const auto of_apart = DecisionRule::by_precision(apart.pairs(), 0.9).cuts()[0], of_together = DecisionRule::by_precision(together.pairs(), 0.9).cuts()[0];
  CHECK(of_apart.met);
  CHECK_FALSE(of_together.met);
  CHECK(of_apart.estimate.value == of_together.estimate.value);
  CHECK(of_together.estimate.low < of_apart.estimate.low - 0.05);
}

TEST_CASE("a cut by F1 has the highest F1 of all") {
  for (const uint64_t seed : {1, 2, 3, 4, 5}) {
    const World world = draw_world(seed, 60, 2);
    double best = 0, expected = DecisionCut::nothing;
    for (const double cut : cuts_of(world)) {
      const double found = f1(sum(count_at(world, cut)));
      if (found > best) {
        best = found;
        expected = cut;
      }
    }
    const DecisionCut cut = DecisionRule::by_f1(world.pairs()).cuts()[0];
    CHECK(cut.score == expected);
    CHECK(cut.estimate.value == Approx(best).epsilon(1e-12));
    CHECK(cut.estimate.low < best);
    CHECK(cut.estimate.high > best);
  }
}

TEST_CASE("a cut by number gives at most so many tags, and the next lower one more") {
  const World world = draw_world(3, 80);
  for (const double number : {0.01, 0.5, 1.0, 2.5, 7.0, 10.0, 50.0}) {
    const DecisionCut cut = DecisionRule::by_number(world.pairs(), number).cuts()[0];
    CHECK(sum(count_at(world, cut.score)).returned <= number * 80 + 1e-9);
    for (const double lower : cuts_of(world)) {
      if (lower < cut.score) CHECK(sum(count_at(world, lower)).returned > number * 80);
    }
  }
  CHECK(DecisionRule::by_number(world.pairs(), 50).cuts()[0].score == DecisionCut::everything);
}

TEST_CASE("a cut by number needs no gold") {
  World world = draw_world(3, 80);
  const double expected = DecisionRule::by_number(world.pairs(), 2).cuts()[0].score;
  for (size_t i = 0; i < world.gold.size(); ++i) {
    if (world.scores[i] != no_candidate) world.gold[i] = std::nan("");
  }
  const DecisionRule rule = DecisionRule::by_number(world.pairs(), 2);
  CHECK(rule.cuts()[0].score == expected);
  CHECK(rule.cuts()[0].pairs == 0);
  CHECK(rule.calibration() == nullptr);
  CHECK_FALSE(rule.probability(0.5).has_value());
}

TEST_CASE("a cut by coverage is the highest that misses few enough") {
  for (const double coverage : {0.5, 0.7, 0.8}) {
    const World world = draw_world(5, 120);
    const auto missed = [&](double cut) {
      double sum = 0, documents = 0;
      for (const auto& [document, c] : count_at(world, cut)) {
        if (c.truth == 0) continue;
        sum += 1 - c.right / c.truth;
        documents += 1;
      }
      return (sum + 1) / (documents + 1);
    };
    double expected = DecisionCut::everything;
    for (const double cut : cuts_of(world)) {
      if (missed(cut) <= 1 - coverage + 1e-12) expected = std::max(expected, cut);
    }
    const DecisionCut cut = DecisionRule::by_coverage(world.pairs(), coverage).cuts()[0];
    // Between two scores with no true label the cut may lie at either: what is missed is the same.
    CHECK(missed(cut.score) == missed(expected));
    CHECK(missed(cut.score) <= 1 - coverage + 1e-12);
    CHECK(cut.met);
  }
}

TEST_CASE("coverage holds on fresh texts, and is not wasted") {
  // Conformal risk control is exact but for one text in n: the mean over many fits lies in [coverage, coverage + 1 / (n + 1) and what ties add].
  double sum = 0;
  constexpr int runs = 300;
  for (int run = 0; run < runs; ++run) {
    const World fit = draw_world(1000 + run, 60), fresh = draw_world(9000 + run, 60);
    const DecisionRule rule = DecisionRule::by_coverage(fit.pairs(), 0.7);
    double share = 0, documents = 0;
    for (const auto& [document, c] : count_at(fresh, rule.cuts()[0].score)) {
      if (c.truth == 0) continue;
      share += c.right / c.truth;
      documents += 1;
    }
    sum += share / documents;
  }
  CHECK(sum / runs > 0.695);
  CHECK(sum / runs < 0.735);
}

TEST_CASE("precision holds on fresh texts as often as is promised") {
  int given = 0, broken = 0;
  for (int run = 0; run < 300; ++run) {
    const World fit = draw_world(1000 + run, 150, 0.25);
    const DecisionRule rule = DecisionRule::by_precision(fit.pairs(), 0.75);
    if (!rule.gives_tags()) continue;
    // What a cut is worth on very many texts.
    static const World everyone = draw_world(77, 20'000, 0.25);
    static std::map<double, double> precision;
    double& truly = precision[rule.cuts()[0].score];
    if (truly == 0) {
      const Counts all = sum(count_at(everyone, rule.cuts()[0].score));
      truly = all.right / all.returned;
    }
    given += 1;
    broken += truly < 0.75 ? 1 : 0;
  }
  CHECK(given > 100);
  CHECK(broken <= 0.06 * given);
}

TEST_CASE("as many fresh texts show what was said of them") {
  int given = 0, inside = 0;
  for (int run = 0; run < 300; ++run) {
    const World fit = draw_world(1000 + run, 150, 0.25), fresh = draw_world(9000 + run, 150, 0.25);
    const DecisionCut cut = DecisionRule::by_precision(fit.pairs(), 0.75).cuts()[0];
    if (!cut.met) continue;
    const Counts all = sum(count_at(fresh, cut.score));
    given += 1;
    inside += all.right / all.returned >= std::min(0.75, cut.fresh.low) ? 1 : 0;
  }
  CHECK(given > 100);
  CHECK(inside >= 0.95 * given);
}

TEST_CASE("too little evidence is said, with what would be needed") {
  World few;
  for (int64_t i = 0; i < 20; ++i) few.add(0.5 + 0.01 * static_cast<double>(i), 1, i);
  const DecisionRule rule = DecisionRule::by_precision(few.pairs(), 0.9, {.judge = "llm/1"});
  CHECK(rule.thin());
  CHECK_FALSE(rule.gives_tags());
  CHECK(rule.cuts()[0].pairs_needed == 36);
  CHECK(std::pow(0.9, 36) <= 0.025);
  CHECK(std::pow(0.9, 35) > 0.025);
  CHECK_THAT(rule.describe(), ContainsSubstring("no label: too little evidence for precision of at least 0.9 by the teacher `llm/1` with 97.5 % confidence, "
                                                "which needs 36 pairs"));
  CHECK_THAT(rule.describe(), ContainsSubstring("20 judged pairs, 20 yes, 20 documents"));

  const DecisionRule by_f1 = DecisionRule::by_f1(few.pairs());
  CHECK(by_f1.thin());
  CHECK(by_f1.k() == DecisionRule::few_tags);
  CHECK(by_f1.cuts()[0].score == DecisionCut::everything);
  const DecisionRule by_number = DecisionRule::by_number(few.pairs(), 2.6);
  CHECK(by_number.thin());
  CHECK(by_number.k() == 3);
  const DecisionRule by_coverage = DecisionRule::by_coverage(few.pairs(), 0.96);
  CHECK(by_coverage.thin());
  CHECK(by_coverage.cuts()[0].documents_needed == 24);
  CHECK(by_coverage.cuts()[0].score == DecisionCut::everything);
  CHECK_FALSE(DecisionRule::by_coverage(few.pairs(), 0.95).thin());
  const DecisionRule none = DecisionRule::by_precision({}, 0.9);
  CHECK(none.thin());
  CHECK_FALSE(none.gives_tags());
}

TEST_CASE("where no cut qualifies nothing becomes a tag, and the best one is told") {
  World world;
  for (int64_t i = 0; i < 1000; ++i) world.add(i % 2 == 0 ? 0.9 : 0.1, i % 4 == 0 ? 1 : 0, i);
  const DecisionRule rule = DecisionRule::by_precision(world.pairs(), 0.9);
  CHECK_FALSE(rule.thin());
  CHECK_FALSE(rule.gives_tags());
  CHECK_FALSE(rule.keeps(0, 1.0));
  CHECK(rule.cuts()[0].estimate.value == 0.5);
  CHECK_THAT(rule.describe(), ContainsSubstring("no label: no cut gives precision of at least 0.9 by gold with 97.5 % confidence; the best one: (precision "
                                                "seen 0.5 (0.4"));
}

TEST_CASE("by gold is said from 300 gold pairs on") {
  World world;
  for (int64_t i = 0; i < 299; ++i) world.add(0.5, 1, i);
  const DecisionRule less = DecisionRule::by_precision(world.pairs(), 0.9);
  CHECK(less.gives_tags());
  CHECK(less.thin());
  CHECK_THAT(less.describe(), ContainsSubstring("precision of at least 0.9 on only 299 gold pairs") && ContainsSubstring("needs 300 gold pairs"));
  CHECK_FALSE(DecisionRule::by_precision(world.pairs(), 0.9, {.judge = "llm/1"}).thin());
  world.add(0.5, 1, 299);
  const DecisionRule enough = DecisionRule::by_precision(world.pairs(), 0.9);
  CHECK_FALSE(enough.thin());
  CHECK_THAT(enough.describe(), ContainsSubstring("precision of at least 0.9 by gold"));
}

TEST_CASE("groups with evidence enough have a cut of their own, all others share the common one") {
  const World world = draw_world(21, 100, 0.4);
  World easy, rest;
  for (size_t i = 0; i < world.scores.size(); ++i) {
    (world.labels[i] < 4 ? easy : rest).add(world.scores[i], world.gold[i], world.documents[i], world.labels[i]);
  }
  const DecisionOptions grouped{.groups = {{.name = "easy", .labels = {3, 2, 1, 0}}, {.name = "rare", .labels = {77, 78}}}};
  for (const DecisionKind kind : {DecisionKind::precision, DecisionKind::f1, DecisionKind::number, DecisionKind::coverage}) {
    const auto fit = [&](const World& of, const DecisionOptions& options) {
      switch (kind) {
        case DecisionKind::precision:
          return DecisionRule::by_precision(of.pairs(), 0.7, options);
        case DecisionKind::f1:
          return DecisionRule::by_f1(of.pairs(), options);
        case DecisionKind::number:
          return DecisionRule::by_number(of.pairs(), 1.5, options);
        default:
          return DecisionRule::by_coverage(of.pairs(), 0.6, options);
      }
    };
    const DecisionRule rule = fit(world, grouped);
    REQUIRE(rule.cuts().size() == 2);
    CHECK(rule.cuts()[1].group == "easy");
    CHECK(rule.cuts()[1].labels == std::vector<int64_t>{0, 1, 2, 3});
    CHECK(rule.cut_of(2).score == fit(easy, {}).cuts()[0].score);
    CHECK(rule.cut_of(7).score == fit(rest, {}).cuts()[0].score);
    CHECK(rule.cut_of(77).score == rule.cuts()[0].score);
    CHECK(rule.cut_of(1'000'000).score == rule.cuts()[0].score);
  }
}

TEST_CASE("of each document the k_most best candidates count") {
  World world, cut;
  const World all = draw_world(31, 100, 2);
  std::map<int64_t, std::vector<size_t>> of_document;
  for (size_t i = 0; i < all.scores.size(); ++i) of_document[all.documents[i]].push_back(i);
  for (auto& [document, places] : of_document) {
    std::stable_sort(places.begin(), places.end(), [&](size_t a, size_t b) { return all.scores[a] > all.scores[b]; });
    for (size_t rank = 0; rank < places.size(); ++rank) {
      const size_t i = places[rank];
      cut.add(rank < 3 ? all.scores[i] : no_candidate, all.gold[i], document);
    }
  }
  const DecisionCut a = DecisionRule::by_f1(all.pairs(), {.k_most = 3}).cuts()[0], b = DecisionRule::by_f1(cut.pairs()).cuts()[0];
  CHECK(a.score == b.score);
  CHECK(a.estimate.value == Approx(b.estimate.value));
  CHECK(a.pairs == 300);
}

TEST_CASE("weights count as that many pairs") {
  World once, twice;
  const World world = draw_world(41, 100, 2);
  for (size_t i = 0; i < world.scores.size(); ++i) {
    const int64_t times = 1 + static_cast<int64_t>(i % 3);
    once.add(world.scores[i], world.gold[i], world.documents[i], world.labels[i], static_cast<double>(times));
    for (int64_t t = 0; t < times; ++t) twice.add(world.scores[i], world.gold[i], world.documents[i], world.labels[i]);
  }
  CHECK(DecisionRule::by_f1(once.pairs()).cuts()[0].score == DecisionRule::by_f1(twice.pairs()).cuts()[0].score);
  CHECK(DecisionRule::by_number(once.pairs(), 4).cuts()[0].score == DecisionRule::by_number(twice.pairs(), 4).cuts()[0].score);
  CHECK(DecisionRule::by_coverage(once.pairs(), 0.7).cuts()[0].score == DecisionRule::by_coverage(twice.pairs(), 0.7).cuts()[0].score);
}

TEST_CASE("probabilities are those of a calibration on (1 + score) / 2") {
  const World world = draw_world(51, 90);
  std::vector<double> unit, gold;
  std::vector<int64_t> documents;
  for (size_t i = 0; i < world.scores.size(); ++i) {
    if (world.scores[i] == no_candidate) continue;
    unit.push_back((1 + world.scores[i]) / 2);
    gold.push_back(world.gold[i]);
    documents.push_back(world.documents[i]);
  }
  const Calibration calibration = Calibration::platt({.scores = unit, .gold = gold});
  const DecisionRule rule = DecisionRule::by_f1(world.pairs());
  REQUIRE(rule.calibration() != nullptr);
  double last = -1;
  for (const double score : {-2.0, -1.0, 0.0, 0.3, 0.9, 1.0, 1.7}) {
    CHECK(*rule.probability(score) == Approx(calibration(std::clamp((1 + score) / 2, 0.0, 1.0))).epsilon(1e-3));
    CHECK(*rule.probability(score) >= last);
    last = *rule.probability(score);
  }
  CHECK(DecisionRule::top(3).calibration() == nullptr);
  CHECK(*DecisionRule::top(3).with_calibration(calibration).probability(0) == calibration(0.5));
}

TEST_CASE("a rule comes back from JSON as it was") {
  const World world = draw_world(61, 100, 0.4);
  const DecisionOptions grouped{.k_most = 40, .confidence = 0.9, .groups = {{.name = "easy", .labels = {0, 1, 2}}}, .judge = "llm/1"};
  for (const DecisionRule& rule :
       {DecisionRule::top(7), DecisionRule(), DecisionRule::by_precision(world.pairs(), 0.7, grouped), DecisionRule::by_precision(world.pairs(), 0.99, grouped),
        DecisionRule::by_f1(world.pairs(), grouped), DecisionRule::by_number(world.pairs(), 3, grouped), DecisionRule::by_coverage(world.pairs(), 0.999)}) {
    const DecisionRule again = through_json(rule);
    CHECK(again.describe() == rule.describe());
    CHECK(again.kind() == rule.kind());
    CHECK(again.k() == rule.k());
    CHECK(again.thin() == rule.thin());
    for (const int64_t label : {0, 2, 5}) CHECK(again.cut_of(label).score == rule.cut_of(label).score);
    CHECK(again.probability(0.4) == rule.probability(0.4));
    CHECK(detail::to_json(again).dump() == detail::to_json(rule).dump());
  }
}

TEST_CASE("damaged rules are refused with the place") {
  const DecisionRule rule = DecisionRule::by_f1(draw_world(61, 40).pairs(), {.groups = {{.name = "a", .labels = {0, 1}}}});
  const auto fault = [&](const std::function<void(detail::Json&)>& damage) -> std::string {
    detail::Json json = detail::to_json(rule);
    damage(json);
    try {
      detail::read_decision_rule(json, "settings.json");
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "";
  };
  CHECK(fault([](auto&) {}).empty());
  CHECK_THAT(fault([](auto& json) { json["rule"] = "magic"; }), ContainsSubstring("settings.json: the decision rule \"magic\" is one that this LMTX lacks."));
  CHECK_THAT(fault([](auto& json) { json["k"] = 0; }), ContainsSubstring("`k` of the decision rule must be at least 1, but is 0 instead."));
  CHECK_THAT(fault([](auto& json) { json["cuts"] = detail::Json::array(); }), ContainsSubstring("`cuts` must not be empty."));
  CHECK_THAT(fault([](auto& json) { json["cuts"][0]["score"] = "some"; }), ContainsSubstring("`score` must be a number"));
  CHECK_THAT(fault([](auto& json) { json["cuts"][1]["labels"] = {1, 0}; }), ContainsSubstring("`labels` must rise from 0 up."));
  CHECK_THAT(fault([](auto& json) { json["cuts"].push_back(json["cuts"][1]); }), ContainsSubstring("Label 0 is in two groups."));
  CHECK_THAT(fault([](auto& json) { json["cuts"][0].erase("evidence"); }), ContainsSubstring("`evidence` must be an object."));
  CHECK_THAT(fault([](auto& json) { json["calibration"]["checksum"] = "0"; }), ContainsSubstring("settings.json"));
}

TEST_CASE("wrong arguments are refused") {
  const std::vector<double> two = {0.5, 0.4}, one = {1}, broken = {1, 0.5}, nan = {std::nan(""), 0.1};
  const std::vector<int64_t> labels = {0, 1};
  CHECK_THROWS_WITH(DecisionRule::top(0), "`k` of the decision rule must be at least 1, but is 0 instead.");
  CHECK_THROWS_WITH(DecisionRule::by_f1({.scores = two, .gold = one}), "`gold` must have an entry for each of the 2 pairs, but has 1 instead.");
  CHECK_THROWS_WITH(DecisionRule::by_f1({.scores = two, .gold = broken}),
                    ContainsSubstring("`gold[1]` must be 0, 1, or NaN where it is not known, but is 0.5"));
  CHECK_THROWS_WITH(DecisionRule::by_f1({.scores = nan, .gold = two}), ContainsSubstring("`scores[0]` must be a number"));
  CHECK_THROWS_WITH(DecisionRule::by_precision({.scores = two, .gold = two}, 1), ContainsSubstring("`target` must lie between 0.000000 and 1.000000"));
  CHECK_THROWS_WITH(DecisionRule::by_number({}, 0), ContainsSubstring("`number` must lie between"));
  CHECK_THROWS_WITH(DecisionRule::by_f1({}, {.k_most = 0}), ContainsSubstring("`k_most` of the decision rule must be at least 1"));
  CHECK_THROWS_WITH(DecisionRule::by_f1({}, {.confidence = 1}), ContainsSubstring("`confidence` must lie between"));
  const std::vector<double> yes = {1, 0};
  const DecisionOptions groups{.groups = {{.name = "a", .labels = {0}}, {.name = "b", .labels = {0}}}};
  CHECK_THROWS_WITH(DecisionRule::by_f1({.scores = two, .gold = yes}, groups), ContainsSubstring("`labels` must say which label each pair is about"));
  CHECK_THROWS_WITH(DecisionRule::by_f1({.scores = two, .gold = yes, .labels = labels}, groups), "Label 0 is in two groups, `a` and `b`.");
}
