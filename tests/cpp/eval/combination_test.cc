#include "lmtx/eval/combination.h"

#include <cmath>
#include <limits>
#include <vector>

#include "catch.h"
#include "judged_pairs.h"
#include "temporary_folder.h"

using namespace lmtx;

namespace {

constexpr double abstained = std::numeric_limits<double>::quiet_NaN();

double odds(double p) { return p / (1 - p); }

}  // namespace

TEST_CASE("votes are Bayes' rule for judges that err independently") {
  const Combination votes =
      Combination::votes(std::vector<Reliability>{{.sensitivity = 0.9, .specificity = 0.8}, {.sensitivity = 0.6, .specificity = 0.7, .cut = 0.3}}, 0.2);
  // Of 1000 pairs 200 are true.
  CHECK(votes(std::vector{0.9, 0.4}) == Approx(200 * 0.9 * 0.6 / (200 * 0.9 * 0.6 + 800 * 0.2 * 0.3)));
  CHECK(votes(std::vector{0.5, 0.2}) == Approx(200 * 0.9 * 0.4 / (200 * 0.9 * 0.4 + 800 * 0.2 * 0.7)));
  CHECK(votes(std::vector{0.4, abstained}) == Approx(200 * 0.1 / (200 * 0.1 + 800 * 0.8)));
  CHECK(std::isnan(votes(std::vector{abstained, abstained})));
}

TEST_CASE("a mean is of the odds of those that answer") {
  const Combination mean = Combination::mean(std::vector{3.0, 1.0});
  CHECK(odds(mean(std::vector{0.9, 0.2})) == Approx(std::pow(odds(0.9), 0.75) * std::pow(odds(0.2), 0.25)));
  CHECK(mean(std::vector{abstained, 0.2}) == Approx(0.2));
  CHECK(std::isnan(mean(std::vector{abstained, abstained})));
}

TEST_CASE("a fit trusts the judge that is right, and says as much without the other") {
  detail::KeyedRandom random(3);
  std::vector<double> scores, gold;
  for (int i = 0; i < 2000; ++i) {
    gold.push_back(random.uniform() < 0.3 ? 1 : 0);
    scores.push_back(random.uniform() < 0.9 ? (gold.back() == 1 ? 0.8 : 0.2) : 0.5);
    scores.push_back(random.uniform() < 0.1 ? abstained : random.uniform());
  }
  const Combination fit = Combination::fit(scores, 2, gold);
  CHECK(std::abs(fit.terms()[0].slope) > 20 * std::abs(fit.terms()[1].slope));
  CHECK(fit(std::vector{0.8, 0.5}) > 0.9);
  CHECK(fit(std::vector{0.2, abstained}) < 0.1);
  CHECK(std::isnan(fit(std::vector{abstained, abstained})));
}

TEST_CASE("a saved combination is the same") {
  const TemporaryFolder folder;
  const std::vector<double> gold = {0, 0, 0, 0, 0, 1, 1, 1, 1, 1},
                            scores = {.1, .3, .2, .2, .3, .6, .4, .4, .5, .1, .6, .7, .7, .8, .8, .2, .9, .9, .95, abstained};
  const std::vector<Combination> all = {Combination::mean(std::vector{2.0, 1.0}),
                                        Combination::votes(std::vector<Reliability>{{0.9, 0.8}, {0.7, 0.6, 0.4}}, 0.1), Combination::fit(scores, 2, gold)};
  for (const Combination& combination : all) {
    combination.save(folder.path() / "c.json");
    const Combination loaded = Combination::load(folder.path() / "c.json");
    CHECK(loaded.identity() == combination.identity());
    CHECK(loaded.describe() == combination.describe());
    CHECK(loaded(std::vector{0.7, 0.3}) == combination(std::vector{0.7, 0.3}));
  }
  CHECK(all[0].identity() != all[1].identity());
  CHECK_THROWS_WITH(Combination::load(folder.write("c.json", R"({"format": 1, "kind": "mean", "terms": [{"slope": 0}]})")),
                    ContainsSubstring("`slope` of a mean must be above 0"));
  CHECK_THROWS_WITH(Combination::load(folder.write("c.json", R"({"format": 2})")), ContainsSubstring("reads up to format 1"));
  CHECK_THROWS_WITH(Combination::load(folder.write("c.json", R"({"format": 1, "kind": "fit", "terms": []})")), ContainsSubstring("`terms` must be a list"));
}

TEST_CASE("combinations name what is wrong with their arguments") {
  CHECK_THROWS_WITH(Combination::mean({}), "A combination needs at least one teacher, but there is none.");
  CHECK_THROWS_WITH(Combination::mean(std::vector{0.0}), ContainsSubstring("`weights[0]` must be above 0 and at most a million"));
  CHECK_THROWS_WITH(Combination::votes(std::vector<Reliability>{{1.5, 0.5}}, 0.5), "`sensitivity of teacher 0` must lie in [0, 1], but is 1.500000 instead.");
  CHECK_THROWS_WITH(Combination::votes(std::vector<Reliability>{{0.5, 0.5}}, 0), ContainsSubstring("`yes_rate` must lie between 0 and 1"));
  const std::vector<double> gold = {0, 0, 0, 0, 0, 1, 1, 1, 1, 1}, scores(10, abstained);
  CHECK_THROWS_WITH(Combination::fit(scores, 1, gold), "Teacher 0 has no score among the 10 gold pairs.");
  CHECK_THROWS_WITH(Combination::fit(scores, 1, std::vector(10, 1.0)), ContainsSubstring("have 10 yeses and 0 noes"));
  CHECK_THROWS_WITH(Combination::mean(std::vector{1.0})(std::vector{0.5, 0.5}), ContainsSubstring("one for each of the 1 teachers, but has 2"));
}
