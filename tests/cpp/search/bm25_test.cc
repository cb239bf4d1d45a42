#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "catch.h"
#include "lmtx/detail/random.h"
#include "lmtx/search/bm25_index.h"
#include "lmtx/stopped.h"

using namespace lmtx;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

using Texts = std::vector<std::string>;

std::vector<std::string_view> views(const Texts& texts) { return {texts.begin(), texts.end()}; }

// Texts of words w00, w01, ..., low numbers more often; some are empty.
Texts random_texts(int64_t n, int64_t longest, uint64_t seed) {
  detail::KeyedRandom random(detail::random_key(seed, "texts"));
  Texts texts(static_cast<size_t>(n));
  for (std::string& text : texts) {
    for (int64_t left = random.below(longest + 1); left > 0; --left) text += "w" + std::to_string(random.below(1 + random.below(60)) + 10) + " ";
  }
  return texts;
}

std::vector<std::string> split(const std::string& text) {
  std::istringstream in(text);
  return {std::istream_iterator<std::string>(in), {}};
}

// The formula of the header, text by text and word by word, in float64.
class SlowBm25 {
 public:
  SlowBm25(const Texts& texts, const Bm25Options& options) : options_(options) {
    for (const std::string& text : texts) {
      texts_.push_back(split(text));
      mean_length_ += static_cast<double>(texts_.back().size()) / static_cast<double>(texts.size());
    }
  }

  double score(const std::string& query, size_t text) const {
    const auto words = split(query);
    double score = 0;
    for (const std::string& word : std::set<std::string>(words.begin(), words.end())) score += idf(word) * saturated(word, text) * weight(word, words);
    return score;
  }

 private:
  static double count(const std::string& word, const std::vector<std::string>& words) {
    return static_cast<double>(std::count(words.begin(), words.end(), word));
  }

  double idf(const std::string& word) const {
    double with = 0;
    for (const auto& text : texts_) with += count(word, text) > 0;
    return std::log(1 + (static_cast<double>(texts_.size()) - with + 0.5) / (with + 0.5));
  }

  double saturated(const std::string& word, size_t text) const {
    const double f = count(word, texts_[text]);
    return f == 0 ? 0 : f / (f + options_.k1 * (1 - options_.b + options_.b * static_cast<double>(texts_[text].size()) / mean_length_));
  }

  double weight(const std::string& word, const std::vector<std::string>& query) const {
    const double q = count(word, query);
    return std::isinf(options_.k3) ? q : (options_.k3 + 1) * q / (options_.k3 + q);
  }

  Bm25Options options_;
  std::vector<std::vector<std::string>> texts_;
  double mean_length_ = 0;
};

// Best scores of labels by the slow way.
std::map<int64_t, double> best_scores(const SlowBm25& slow, const std::string& query, const std::vector<int64_t>& owners) {
  std::map<int64_t, double> best;
  for (size_t i = 0; i < owners.size(); ++i) {
    if (const double score = slow.score(query, i); score > 0) best[owners[i]] = std::max(best[owners[i]], score);
  }
  return best;
}

// Scores by rank are the slow way's, and each label's, too; so ties may swap.
void check_list(const RankedLists& lists, int64_t i, const std::map<int64_t, double>& expected, int64_t k) {
  std::vector<double> sorted;
  for (const auto& [label, score] : expected) sorted.push_back(score);
  std::sort(sorted.rbegin(), sorted.rend());
  REQUIRE(lists.labels_of(i).size() == std::min<size_t>(k, sorted.size()));
  for (size_t rank = 0; rank < lists.labels_of(i).size(); ++rank) {
    CAPTURE(i, rank);
    CHECK(lists.scores_of(i)[rank] == Approx(sorted[rank]).epsilon(1e-5));
    CHECK(expected.at(lists.labels_of(i)[rank]) == Approx(sorted[rank]).epsilon(1e-5));
    if (rank == 0) continue;
    const bool ordered = lists.scores_of(i)[rank] < lists.scores_of(i)[rank - 1] ||
                         (lists.scores_of(i)[rank] == lists.scores_of(i)[rank - 1] && lists.labels_of(i)[rank] > lists.labels_of(i)[rank - 1]);
    CHECK(ordered);
  }
}

}  // namespace

TEST_CASE("BM25 finds what its formula says, also for labels with several texts") {
  const Texts texts = random_texts(200, 8, 1), queries = random_texts(30, 40, 2);
  for (const Bm25Options& options : {Bm25Options{}, Bm25Options{.k1 = 0.9, .b = 0.4, .k3 = infinity}, Bm25Options{.k1 = 0, .b = 1, .k3 = 0}}) {
    const SlowBm25 slow(texts, options);
    for (int64_t owners_from : {0, 1}) {
      std::vector<int64_t> owners;
      for (int64_t i = 0; i < 200; ++i) owners.push_back(owners_from == 0 ? i : (i * 37) % 90 + 5);
      const auto index = Bm25Index::build(views(texts), owners, options);
      for (int64_t k : {1, 10, 500}) {
        const auto lists = index.search(views(queries), k);
        REQUIRE(lists.size() == 30);
        for (int64_t i = 0; i < 30; ++i) check_list(lists, i, best_scores(slow, queries[i], owners), k);
      }
    }
  }
}

TEST_CASE("BM25 of a case worked out by hand") {
  const Texts texts = {"public lands", "land use", "water"};
  const auto index = Bm25Index::build(views(texts));
  const auto lists = index.search(views({"The use of public lands: land, lands and water laws.", "nothing here", ""}), 5);
  // "land" is in two of three texts, the others in one; lengths 2, 2, 1 have mean 5/3; land is there three times, all else once.
  const double rare = std::log(1 + 2.5 / 1.5), common = std::log(1 + 1.5 / 2.5), two = 1 / (1 + 1.5 * (0.25 + 0.75 * 2 * 3 / 5.0)),
               one = 1 / (1 + 1.5 * (0.25 + 0.75 * 3 / 5.0));
  CHECK(lists.offsets == std::vector<int64_t>{0, 3, 3, 3});
  CHECK(lists.labels == std::vector<int64_t>{0, 1, 2});
  CHECK(lists.scores[0] == Approx(two * (rare + common * 9 / 5)));
  CHECK(lists.scores[0] == lists.scores[1]);
  CHECK(lists.scores[2] == Approx(one * rare));
}

TEST_CASE("equal BM25 scores are ranked by label number, and k cuts among them") {
  const Texts texts(50, "same words");
  std::vector<int64_t> owners;
  for (int64_t i = 0; i < 50; ++i) owners.push_back(99 - i);
  const auto lists = Bm25Index::build(views(texts), owners).search(views({"words"}), 3);
  CHECK(lists.labels == std::vector<int64_t>{50, 51, 52});
}

TEST_CASE("BM25 gives the same bits with any number of threads and for any company of a query") {
  const Texts texts = random_texts(500, 6, 3), queries = random_texts(100, 60, 4);
  const auto index = Bm25Index::build(views(texts));
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const auto alone = index.search(views(queries), 20);
  at::set_num_threads(4);
  CHECK(index.search(views(queries), 20) == alone);
  at::set_num_threads(threads);
  const auto one = index.search(views({queries[7]}), 20);
  CHECK(std::equal(one.labels.begin(), one.labels.end(), alone.labels_of(7).begin(), alone.labels_of(7).end()));
  CHECK(std::equal(one.scores.begin(), one.scores.end(), alone.scores_of(7).begin(), alone.scores_of(7).end()));
}

TEST_CASE("BM25 indexes say what they hold") {
  const Texts texts = {"ab cd", "cd", "the", ""};
  const auto index = Bm25Index::build(views(texts), std::vector<int64_t>{4, 4, 2, 9});
  CHECK(index.num_labels() == 3);
  CHECK(index.num_texts() == 4);
  CHECK(index.num_words() == 2);
  CHECK(Bm25Index::build(std::vector<std::string_view>{}).search(views({"ab"}), 3).size() == 1);
}

TEST_CASE("BM25 refuses what makes no sense, and stops") {
  const Texts texts = {"ab", "cd"};
  const auto build = [&](const std::vector<int64_t>& owners, const Bm25Options& options = {}) { return Bm25Index::build(views(texts), owners, options); };
  CHECK_THROWS_WITH(build({0}), "`owners` must have one label number for each of the 2 texts, but has 1 instead.");
  CHECK_THROWS_WITH(build({0, -3}), "`owners` must not be negative, but -3 is among them.");
  CHECK_THROWS_WITH(build({0, 1}, {.k1 = -1}), "`k1` must be a finite number from 0 up, but is -1.000000 instead.");
  CHECK_THROWS_WITH(build({0, 1}, {.b = 2}), "`b` must be in [0, 1], but is 2.000000 instead.");
  CHECK_THROWS_WITH(build({0, 1}, {.k3 = std::nan("")}), "`k3` must be a number from 0 up, or infinity, but is nan instead.");
  CHECK_THROWS_WITH(build({0, 1}).search(views({"ab"}), 0), "`k` must be at least 1, but is 0 instead.");
  std::stop_source stop;
  stop.request_stop();
  CHECK_THROWS_AS(build({0, 1}).search(views({"ab"}), 1, {}, stop.get_token()), Stopped);
}

TEST_CASE("BM25 reports its progress in queries") {
  const Texts texts = {"ab"}, queries(5000, "ab");
  std::vector<int64_t> done;
  Bm25Index::build(views(texts)).search(views(queries), 1, [&](const Event& event) {
    CHECK(event.stage == "search words");
    CHECK(event.total == 5000);
    done.push_back(event.done);
  });
  CHECK(done == std::vector<int64_t>{4096, 5000});
}
