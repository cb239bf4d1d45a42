#include "lmtx/train/posterior.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <vector>

#include "catch.h"
#include "lmtx/detail/random.h"
#include "lmtx/train/targets.h"

using namespace lmtx;

namespace {

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// Documents with ten judged labels each, whose fit is likelier the nearer they are and the more words they share, and a teacher that errs at fixed rates.
struct World {
  std::vector<JudgedDocument> judged;
  std::map<std::pair<int64_t, int64_t>, PairFeatures> features;
  std::map<std::pair<int64_t, int64_t>, bool> fits;
  // Probability that a pair fits, before anybody judged it.
  std::map<std::pair<int64_t, int64_t>, double> prior;

  auto features_of() const {
    return [this](int64_t document, int64_t label) { return features.at({document, label}); };
  }
};

struct WorldOptions {
  int64_t documents = 600;
  double false_yes = 0.2, false_no = 0.1;
  // Scores tell more than yes and no: the surer, the likelier right.
  bool graded = false;
  uint64_t seed = 0;
};

double score_of(bool yes, bool right, bool graded, detail::KeyedRandom& random) {
  // Of the half that a yes has; sure ones are near 1.
  const double sure = graded ? (right ? std::sqrt(random.uniform()) : random.uniform() * random.uniform()) : random.uniform();
  return yes ? 0.5 + 0.49 * sure : 0.49 - 0.48 * sure;
}

World make_world(const WorldOptions& options) {
  World world;
  detail::KeyedRandom random(detail::random_key(options.seed, "world"));
  for (int64_t d = 0; d < options.documents; ++d) {
    JudgedDocument document{.document = 2 * d, .labels = {}};
    for (int64_t l = 0; l < 10; ++l) {
      const std::pair<int64_t, int64_t> pair(2 * d, 40 * l + static_cast<int64_t>(random.below(40)));
      PairFeatures features{.cosine = static_cast<float>(0.1 + 0.7 * random.uniform()), .words = 0};
      if (random.below(3) == 0) features.words = static_cast<float>(random.uniform());
      const double prior = sigmoid(9 * (features.cosine - 0.65) + 2 * features.words);
      const bool fits = random.uniform() < prior, errs = random.uniform() < (fits ? options.false_no : options.false_yes), yes = fits != errs;
      world.features[pair] = features;
      world.fits[pair] = fits;
      world.prior[pair] = prior;
      document.labels.push_back({.label = pair.second, .score = score_of(yes, !errs, options.graded, random)});
    }
    world.judged.push_back(std::move(document));
  }
  return world;
}

// Calls of every pair with its truth.
template <typename Visit>
void for_each_pair(const World& world, Visit visit) {
  for (const JudgedDocument& document : world.judged) {
    for (const JudgedLabel& label : document.labels) visit(document, label, world.fits.at({document.document, label.label}));
  }
}

// Mean squared distance of the targets from the truth.
double brier(const World& world) {
  double sum = 0, count = 0;
  for_each_pair(world, [&](const JudgedDocument&, const JudgedLabel& label, bool fits) {
    sum += (label.target - fits) * (label.target - fits);
    count += 1;
  });
  return sum / count;
}

const TrainerOptions options = [] {
  TrainerOptions made;
  made.targets = "posterior";
  return made;
}();

}  // namespace

TEST_CASE("posterior targets say how often a pair fits, where a teacher errs") {
  for (const uint64_t seed : {0, 1, 2}) {
    World world = make_world({.seed = seed});
    const PosteriorSummary summary = assign_posterior_targets(world.judged, options, world.features_of());
    INFO("seed " << seed);
    CHECK(summary.pairs == 6000);
    CHECK(summary.false_yes_rate == Approx(0.2).margin(0.06));
    std::array<double, 4> targets{}, truth{}, count{};
    double mean_target = 0, mean_truth = 0;
    for_each_pair(world, [&](const JudgedDocument&, const JudgedLabel& label, bool fits) {
      const auto bin = static_cast<size_t>(std::min(3.0, label.target * 4));
      targets[bin] += label.target;
      truth[bin] += fits;
      count[bin] += 1;
      mean_target += label.target / 6000;
      mean_truth += fits / 6000.0;
    });
    CHECK(summary.mean_target == Approx(mean_target));
    CHECK(mean_target == Approx(mean_truth).margin(0.03));
    for (size_t bin = 0; bin < 4; ++bin) {
      INFO("bin " << bin << " of " << count[bin]);
      REQUIRE(count[bin] > 50);
      CHECK(targets[bin] / count[bin] == Approx(truth[bin] / count[bin]).margin(0.1));
    }
  }
}

TEST_CASE("posterior targets are near those of somebody who knows the rates") {
  World world = make_world({});
  assign_posterior_targets(world.judged, options, world.features_of());
  double difference = 0;
  for_each_pair(world, [&](const JudgedDocument& document, const JudgedLabel& label, bool) {
    const double prior = world.prior.at({document.document, label.label});
    const bool yes = label.score >= 0.5;
    const double if_fits = yes ? 0.9 : 0.1, if_not = yes ? 0.2 : 0.8;
    difference += std::abs(label.target - prior * if_fits / (prior * if_fits + (1 - prior) * if_not)) / 6000;
  });
  CHECK(difference < 0.06);
}

TEST_CASE("posterior targets are nearer to the truth than verdicts at their word, and not further with a teacher that is right") {
  for (const double false_yes : {0.2, 0.4, 0.02}) {
    World world = make_world({.false_yes = false_yes});
    TrainerOptions hard = options;
    hard.targets = "hard";
    assign_targets(world.judged, hard);
    const double at_their_word = brier(world);
    assign_posterior_targets(world.judged, options, world.features_of());
    CHECK(brier(world) < (false_yes < 0.1 ? 1.05 : 0.8) * at_their_word);
  }
}

TEST_CASE("scores count beside yes and no where they agree with what is known of pairs") {
  World graded = make_world({.graded = true}), flat = make_world({.graded = false});
  assign_posterior_targets(graded.judged, options, graded.features_of());
  assign_posterior_targets(flat.judged, options, flat.features_of());
  // Of pairs as likely beforehand, what a sure yes adds to an unsure one.
  const auto gain = [](const World& world) {
    double sure = 0, num_sure = 0, unsure = 0, num_unsure = 0;
    for_each_pair(world, [&](const JudgedDocument& document, const JudgedLabel& label, bool) {
      const double prior = world.prior.at({document.document, label.label});
      if (label.score < 0.5 || prior < 0.2 || prior > 0.4) return;
      (label.score > 0.75 ? sure : unsure) += label.target;
      (label.score > 0.75 ? num_sure : num_unsure) += 1;
    });
    return sure / num_sure - unsure / num_unsure;
  };
  CHECK(gain(graded) > 0.05);
  CHECK(std::abs(gain(flat)) < 0.05);
}

TEST_CASE("posterior uses follow the targets") {
  World world = make_world({});
  const PosteriorSummary summary = assign_posterior_targets(world.judged, options, world.features_of());
  double sum = 0, positives = 0, highest_negative = 0;
  for_each_pair(world, [&](const JudgedDocument& document, const JudgedLabel& label, bool) {
    CHECK(label.weight == Approx(std::max(0.2, std::abs(2 * label.target - 1))));
    double best = 0;
    for (const JudgedLabel& other : document.labels) best = std::max(best, other.target);
    if (label.use == PairUse::positive) {
      positives += 1;
      sum += label.target;
    }
    if (label.target == best && best > 0.4) CHECK((label.use == PairUse::positive));
    if (label.use == PairUse::negative) highest_negative = std::max(highest_negative, label.target);
  });
  CHECK(static_cast<double>(summary.positives) == positives);
  CHECK(sum / positives >= options.positive_mean - 0.05);
  CHECK(highest_negative < options.negative_below);
}

TEST_CASE("the order of documents does not matter to posterior targets") {
  World world = make_world({.documents = 100}), shuffled = world;
  const auto order = detail::permutation(100, 4);
  for (size_t i = 0; i < order.size(); ++i) shuffled.judged[i] = world.judged[static_cast<size_t>(order[i])];
  assign_posterior_targets(world.judged, options, world.features_of());
  assign_posterior_targets(shuffled.judged, options, shuffled.features_of());
  for (size_t i = 0; i < order.size(); ++i) {
    const JudgedDocument& expected = world.judged[static_cast<size_t>(order[i])];
    for (size_t l = 0; l < expected.labels.size(); ++l) CHECK(shuffled.judged[i].labels[l].target == Approx(expected.labels[l].target).margin(1e-7));
  }
}

TEST_CASE("few verdicts, and verdicts that are all alike, are taken at their word") {
  World few = make_world({.documents = 4});
  CHECK(assign_posterior_targets(few.judged, options, few.features_of()).false_yes_rate == 0);
  World alike = make_world({.documents = 20});
  for (JudgedDocument& document : alike.judged) {
    for (JudgedLabel& label : document.labels) label.score = 0.2;
  }
  const PosteriorSummary summary = assign_posterior_targets(alike.judged, options, alike.features_of());
  CHECK(summary.false_yes_rate == 0);
  CHECK(summary.positives == 0);
  for (const World* world : {&few, &alike}) {
    World expected = *world;
    TrainerOptions hard = options;
    hard.targets = "hard";
    assign_targets(expected.judged, hard);
    for (size_t i = 0; i < expected.judged.size(); ++i) {
      for (size_t l = 0; l < 10; ++l) {
        CHECK(world->judged[i].labels[l].target == expected.judged[i].labels[l].target);
        CHECK((world->judged[i].labels[l].use == expected.judged[i].labels[l].use));
      }
    }
  }
  CHECK(assign_posterior_targets({}, options, few.features_of()).pairs == 0);
}

// The teacher says yes to a tenth of the labels whatever the document, as real ones do.
World repeated_errors(bool graded) {
  World world = make_world({.documents = 600, .false_yes = 0.05, .graded = graded});
  for (JudgedDocument& document : world.judged) {
    for (JudgedLabel& label : document.labels) {
      if (label.label % 10 == 0) label.score = std::max(label.score, graded ? 0.5 + 0.3 * label.score : 1.0);
      if (!graded) label.score = label.score >= 0.5 ? 1 : 0;
    }
  }
  return world;
}

TEST_CASE("a label's other verdicts count the less, the more the teacher's scores grade") {
  const auto targets_with = [](bool graded, double label_evidence) {
    TrainerOptions changed = options;
    changed.label_evidence = label_evidence;
    World world = repeated_errors(graded);
    assign_posterior_targets(world.judged, changed, world.features_of());
    return world;
  };
  const auto same = [](const World& a, const World& b) {
    bool all = true;
    for (size_t i = 0; i < a.judged.size(); ++i) {
      for (size_t j = 0; j < a.judged[i].labels.size(); ++j) all = all && a.judged[i].labels[j].target == Approx(b.judged[i].labels[j].target).margin(1e-9);
    }
    return all;
  };
  // Scores of 0 and 1 do not grade: all that other verdicts tell counts.
  CHECK(same(targets_with(false, -1), targets_with(false, 1)));
  CHECK_FALSE(same(targets_with(false, 1), targets_with(false, 0)));
  // Errors that a teacher repeats are believed less.
  CHECK(brier(targets_with(true, -1)) < brier(targets_with(true, 1)) - 0.001);
}

TEST_CASE("the odds of a teacher that grades are shifted towards half its yeses, or to the rate that is given") {
  TrainerOptions shifted = options;
  shifted.yes_rate = -1;
  World graded = make_world({.graded = true}), known = make_world({});
  const PosteriorSummary of_graded = assign_posterior_targets(graded.judged, shifted, graded.features_of());
  World as_they_are = make_world({.graded = true});
  CHECK(of_graded.mean_target < assign_posterior_targets(as_they_are.judged, options, as_they_are.features_of()).mean_target);
  CHECK(of_graded.mean_target >= of_graded.observed_rate / 2 - 1e-6);
  shifted.yes_rate = 0.07;
  CHECK(assign_posterior_targets(known.judged, shifted, known.features_of()).mean_target == Approx(0.07).margin(1e-6));
}
