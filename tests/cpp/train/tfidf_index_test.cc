#include "lmtx/train/unsupervised/tfidf_index.h"

#include <cmath>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include "catch.h"
#include "lmtx/detail/random.h"
#include "lmtx/train/unsupervised/likely_labels.h"

using namespace lmtx;

namespace {

using Bag = std::map<std::string, double>;

// Lower-case texts of words without signs.
std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

Bag terms(const std::string& text, bool pairs) {
  Bag bag;
  const auto words = words_of(text);
  for (size_t i = 0; i < words.size(); ++i) {
    if (!pairs) ++bag[words[i]];
    if (pairs && i > 0) ++bag[words[i - 1] + " " + words[i]];
  }
  return bag;
}

// Written out from the definition.
Bag weighted(const std::string& text, const std::vector<std::string>& all) {
  Bag whole;
  for (const bool pairs : {false, true}) {
    Bag block = terms(text, pairs);
    double squares = 0;
    for (auto& [term, weight] : block) {
      double df = 0;
      for (const std::string& other : all) df += terms(other, pairs).count(term);
      const auto n = static_cast<double>(all.size());
      weight = df > 0.98 * n ? 0 : weight * std::max(std::log(n / (df + 1)), 0.0);
      squares += weight * weight;
    }
    for (const auto& [term, weight] : block) {
      if (weight > 0) whole[(pairs ? "2:" : "1:") + term] = weight / std::sqrt(squares);
    }
  }
  double squares = 0;
  for (const auto& [term, weight] : whole) squares += weight * weight;
  for (auto& [term, weight] : whole) weight /= std::sqrt(squares);
  return whole;
}

double inner(const Bag& a, const Bag& b) {
  double sum = 0;
  for (const auto& [term, weight] : a) {
    if (const auto found = b.find(term); found != b.end()) sum += weight * found->second;
  }
  return sum;
}

std::string random_text(detail::KeyedRandom& random, int64_t length) {
  std::string text;
  for (int64_t i = 0; i < length; ++i) text += "w" + std::to_string(random.below(1 + random.below(40))) + " ";
  return text;
}

}  // namespace

TEST_CASE("the best label by TF-IDF is that of the definition") {
  detail::KeyedRandom random(5);
  std::vector<std::string> documents, names, all;
  std::vector<int64_t> labels;
  for (int i = 0; i < 60; ++i) documents.push_back(random_text(random, 1 + random.below(30)));
  for (int i = 0; i < 40; ++i) {
    names.push_back(random_text(random, 1 + random.below(4)));
    labels.push_back(3 * i);
  }
  all = documents;
  all.insert(all.end(), names.begin(), names.end());
  TermCounts counts;
  for (const std::string& text : all) counts.add(text);
  CHECK(counts.num_texts() == 100);
  const TfidfIndex index = TfidfIndex::build(std::vector<std::string_view>(names.begin(), names.end()), labels, counts);
  const auto matches = index.best(std::vector<std::string_view>(documents.begin(), documents.end()));
  REQUIRE(matches.size() == documents.size());
  int64_t found = 0;
  for (size_t i = 0; i < documents.size(); ++i) {
    const Bag document = weighted(documents[i], all);
    std::vector<double> scores;
    for (const std::string& name : names) scores.push_back(inner(document, weighted(name, all)));
    const double best = *std::max_element(scores.begin(), scores.end());
    INFO(documents[i]);
    CHECK(matches[i].score == Approx(best).margin(1e-6));
    if (best == 0) CHECK(matches[i].label == -1);
    if (best == 0) continue;
    ++found;
    REQUIRE(matches[i].label % 3 == 0);
    CHECK(scores[static_cast<size_t>(matches[i].label / 3)] == Approx(best).margin(1e-6));
  }
  CHECK(found > 30);
}

TEST_CASE("words are taken in lower case, and of equal labels the first") {
  TermCounts counts;
  for (const char* text : {"Rail Freight", "rail freight", "water", "air", "tax on RAIL-freight", "sun", "moon", "star"}) counts.add(text);
  const std::vector<std::string_view> names = {"water", "Rail Freight", "rail freight"};
  const std::vector<int64_t> labels = {4, 7, 9};
  const std::vector<std::string_view> texts = {"tax on RAIL-freight", "", "nothing shared"};
  const auto matches = TfidfIndex::build(names, labels, counts).best(texts);
  CHECK(matches[0].label == 7);
  CHECK(matches[1].label == -1);
  CHECK(matches[2].label == -1);
}

TEST_CASE("likely labels are the upper half of the encoder's and those that share words") {
  Shortlists ranked{.k = 1, .documents = {2, 3, 5, 8, 9}, .labels = {10, 11, 12, 13, 14}, .scores = {0.1f, 0.9f, 0.5f, 0.5f, 0.5f}};
  const std::vector<TfidfIndex::Match> matches = {{10, 0.5f}, {11, 0.1f}, {20, 0.2f}, {-1, 0}, {-1, 0}};
  const LabelPairs pairs = likely_labels(ranked, matches);
  // 3, 5 and 8 are the upper three; 3 agrees with its match, so that it comes once.
  CHECK(pairs.documents == std::vector<int64_t>{2, 3, 5, 5, 8});
  CHECK(pairs.labels == std::vector<int64_t>{10, 11, 12, 20, 13});
}
