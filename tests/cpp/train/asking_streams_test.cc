#include "lmtx/train/asking_streams.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/randn.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <stdexcept>
#include <utility>

#include "catch.h"
#include "data.h"
#include "lmtx/detail/files.h"
#include "lmtx/detail/random.h"
#include "temporary_folder.h"

using namespace lmtx;
using namespace lmtx::test;

namespace {

constexpr float abstained = std::numeric_limits<float>::quiet_NaN();

// Lists that views can be taken of. Documents are 3, 6, 9, …; scores fall along each list.
struct Lists {
  std::vector<int64_t> documents, offsets{0};
  std::vector<int32_t> labels;
  std::vector<float> scores;

  ProposedLabels view() const { return {.documents = documents, .offsets = offsets, .labels = labels, .scores = scores}; }

  void add(const std::vector<int32_t>& list, float best = 1) {
    documents.push_back(3 * static_cast<int64_t>(documents.size() + 1));
    for (size_t place = 0; place < list.size(); ++place) {
      labels.push_back(list[place]);
      scores.push_back(best - 0.01f * static_cast<float>(place));
    }
    offsets.push_back(static_cast<int64_t>(labels.size()));
  }
};

Lists random_lists(int64_t num_documents, int64_t length, int64_t num_labels, uint64_t seed = 0) {
  Lists lists;
  for (int64_t i = 0; i < num_documents; ++i) {
    const auto order = detail::permutation(num_labels, detail::random_key(seed, "lists", {i}));
    lists.add({order.begin(), order.begin() + length}, 1 + 0.001f * static_cast<float>(i % 7));
  }
  return lists;
}

using Pair = std::pair<int64_t, int32_t>;

struct Chosen {
  int64_t document;
  int32_t label;
  AskingStream stream;
};

std::vector<Chosen> chosen_of(const Asking& asking) {
  REQUIRE(static_cast<int64_t>(asking.streams.size()) == asking.pairs.num_pairs());
  std::vector<Chosen> chosen;
  for (int64_t i = 0; i < asking.pairs.num_documents(); ++i) {
    for (const AskedPair& pair : asking.pairs.of(i)) chosen.push_back({asking.pairs.document(i), pair.label, asking.streams[chosen.size()]});
  }
  return chosen;
}

int64_t count(const Asking& asking, AskingStream stream) { return std::count(asking.streams.begin(), asking.streams.end(), stream); }

int64_t place_of(const Lists& lists, int64_t document, int32_t label) {
  const int64_t i = std::find(lists.documents.begin(), lists.documents.end(), document) - lists.documents.begin();
  const auto begin = lists.labels.begin() + lists.offsets[i], end = lists.labels.begin() + lists.offsets[i + 1];
  const auto found = std::find(begin, end, label);
  REQUIRE(found != end);
  return found - begin;
}

// Deterministic verdicts: likelier yeses near the top.
float verdict(const Lists& lists, int64_t document, int32_t label) {
  detail::KeyedRandom random(detail::random_key(7, "verdict", {document, label}));
  if (random.below(20) == 0) return abstained;
  return random.uniform() < 0.6 / (1 + 0.3 * static_cast<double>(place_of(lists, document, label))) ? 0.9f : 0.03f;
}

// Answers what was asked, as a run would, and adds it to the past.
void answer(const Lists& lists, const Asking& asking, std::vector<PastPair>& past) {
  std::map<Pair, float> by_pair;
  for (const PastPair& pair : past) by_pair[{pair.document, pair.label}] = pair.target;
  for (const Chosen& c : chosen_of(asking)) by_pair[{c.document, c.label}] = verdict(lists, c.document, c.label);
  past.clear();
  for (const auto& [pair, target] : by_pair) past.push_back({pair.first, pair.second, target});
}

Asking choose(const Lists& lists, const std::vector<PastPair>& past, int64_t budget, int64_t round, const AskingOptions& options = {}, uint64_t seed = 0) {
  return choose_by_streams(lists.view(), past, budget, round, seed, options);
}

const AskingOptions no_random{.random_share = 0};

}  // namespace

TEST_CASE("a budget is spent to the last pair, none is asked twice, and orders hold") {
  for (const uint64_t seed : {0, 1, 2}) {
    const Lists lists = random_lists(40, 12, 60, seed);
    std::vector<PastPair> past;
    std::set<Pair> asked;
    for (int64_t round = 0; round < 6; ++round) {
      const int64_t budget = std::min<int64_t>(round == 4 ? 1000 : 7 + 23 * round, 480 - static_cast<int64_t>(asked.size()));
      const Asking asking = choose(lists, past, budget, round, {}, seed);
      INFO("seed " << seed << ", round " << round);
      CHECK(asking.num_new == budget);
      int64_t fresh = 0;
      std::pair<int64_t, int64_t> before{-1, -1};
      for (const Chosen& c : chosen_of(asking)) {
        const std::pair here{c.document, place_of(lists, c.document, c.label)};
        CHECK(before < here);
        before = here;
        const bool is_new = asked.insert({c.document, c.label}).second;
        fresh += is_new;
        // What was asked comes again only where the random sample drew it.
        CHECK((is_new || c.stream == AskingStream::random));
      }
      CHECK(fresh == budget);
      answer(lists, asking, past);
    }
    CHECK(asked.size() == 480);
  }
}

TEST_CASE("asking depends on seed and round, and on nothing else") {
  const Lists lists = random_lists(40, 12, 60);
  std::vector<PastPair> past;
  answer(lists, choose(lists, past, 60, 0), past);
  const auto same = [&](int64_t round, uint64_t seed) {
    const Asking a = choose(lists, past, 80, 1), b = choose(lists, past, 80, round, {}, seed);
    return a.pairs == b.pairs && a.streams == b.streams;
  };
  CHECK(same(1, 0));
  CHECK_FALSE(same(2, 0));
  CHECK_FALSE(same(1, 1));
}

TEST_CASE("the first round goes for breadth: first labels and one from below of as many documents as the budget allows") {
  const Lists lists = random_lists(200, 80, 300);
  const Asking asking = choose(lists, {}, 100, 0, no_random);
  CHECK(asking.pairs.num_documents() == 25);
  std::map<int64_t, std::vector<int64_t>> places;
  for (const Chosen& c : chosen_of(asking)) {
    const int64_t place = place_of(lists, c.document, c.label);
    CHECK((c.stream == AskingStream::lower) == (place >= 3));
    places[c.document].push_back(place);
  }
  std::set<int64_t> lower;
  for (const auto& [document, of] : places) {
    REQUIRE(of.size() == 4);
    CHECK((of[0] == 0 && of[1] == 1 && of[2] == 2));
    CHECK((of[3] >= 3 && of[3] < 50));
    lower.insert(of[3]);
  }
  CHECK(lower.size() > 8);
  // Fewer pairs than documents, and than a document's breadth.
  CHECK(choose(lists, {}, 6, 0, no_random).pairs.num_documents() == 2);
  CHECK(choose(lists, {}, 0, 0).pairs.num_pairs() == 0);
}

TEST_CASE("a first round that is larger than its breadth goes down all lists") {
  const Lists lists = random_lists(10, 30, 100);
  const Asking asking = choose(lists, {}, 80, 0, {.breadth = 1, .random_share = 0});
  for (int64_t i = 0; i < 10; ++i) CHECK(asking.pairs.of(i).size() == 8);
  for (const Chosen& c : chosen_of(asking)) CHECK(place_of(lists, c.document, c.label) < 8);
}

TEST_CASE("streams get their shares, and one that finds nothing leaves its share to the top") {
  const Lists lists = random_lists(300, 60, 200);
  std::vector<PastPair> past;
  answer(lists, choose(lists, past, 400, 0), past);
  const Asking asking = choose(lists, past, 400, 1, {.cut_share = 0.25, .coverage_share = 0.15, .random_share = 0.1});
  CHECK(asking.num_new == 400);
  CHECK(count(asking, AskingStream::cut) == 100);
  CHECK(count(asking, AskingStream::coverage) == 60);
  CHECK(count(asking, AskingStream::random) >= 40);
  // Nobody judged a pair: there is no fit to tell where the cut is.
  const Asking unfit = choose(lists, {}, 400, 1);
  CHECK(count(unfit, AskingStream::cut) == 0);
  CHECK(unfit.num_new == 400);
}

TEST_CASE("half of a later round's top share goes to documents not asked yet, the other half to first places nobody judged") {
  const Lists lists = random_lists(200, 60, 200);
  // The first hundred documents were asked, one at its first place.
  std::vector<PastPair> past;
  for (int64_t i = 0; i < 100; ++i) past.push_back({lists.documents[i], lists.labels[lists.offsets[i] + (i == 40 ? 0 : 2)], 0.9f});
  const Asking asking = choose(lists, past, 80, 1, {.cut_share = 0, .coverage_share = 0, .random_share = 0});
  std::set<int64_t> fresh;
  int64_t of_fresh = 0, first_places = 0;
  for (const Chosen& c : chosen_of(asking)) {
    const bool is_fresh = c.document > lists.documents[99];
    of_fresh += is_fresh;
    if (is_fresh) fresh.insert(c.document);
    first_places += !is_fresh && place_of(lists, c.document, c.label) == 0;
    CHECK(c.document != lists.documents[40]);
  }
  CHECK(of_fresh == 40);
  CHECK(fresh.size() == 10);
  CHECK(first_places == 40);
}

TEST_CASE("a list is left after two noes in a row, unless nothing else is there to ask") {
  Lists lists;
  for (int64_t i = 0; i < 20; ++i) lists.add({0, 1, 2, 3, 4, 5, 6, 7});
  // Three judged places each, in all but document 0 the last of them with a yes; so scores tell little.
  std::vector<PastPair> past;
  for (int64_t i = 0; i < 20; ++i) {
    past.push_back({lists.documents[i], 0, 0.02f});
    past.push_back({lists.documents[i], 1, 0.02f});
    past.push_back({lists.documents[i], 2, i == 0 ? 0.02f : 0.09f});
  }
  for (int64_t i = 1; i < 20; ++i) past[3 * i + 2].target = i % 2 == 1 ? 0.5f : 0.02f;
  const AskingOptions only_top{.cut_share = 0, .coverage_share = 0, .random_share = 0};
  const auto documents = [&](const AskingOptions& options, int64_t budget) {
    std::set<int64_t> found;
    for (const Chosen& c : chosen_of(choose(lists, past, budget, 1, options))) found.insert(c.document);
    return found;
  };
  // The mean target is above `no`, so that likely noes there are none.
  CHECK(documents(only_top, 20).size() == 20);
  for (int64_t i = 1; i < 20; ++i) past[3 * i + 2].target = i % 2 == 1 ? 0.11f : 0.02f;
  CHECK(documents(only_top, 10).count(lists.documents[0]) == 0);
  CHECK(documents(only_top, 10).size() == 10);
  CHECK(documents(only_top, 50).size() == 10);
  AskingOptions never = only_top;
  never.stop_after_noes = 0;
  CHECK(documents(never, 20).size() == 20);
  // Ten documents go on to the end of their lists; then come the others.
  CHECK(documents(only_top, 51).size() == 11);
}

TEST_CASE("the random stream draws places uniformly, and draws that were answered before stay in the sample") {
  const Lists lists = random_lists(30, 20, 100);
  std::vector<PastPair> past;
  for (int64_t i = 0; i < 30; ++i) {
    std::vector<int32_t> top(lists.labels.begin() + lists.offsets[i], lists.labels.begin() + lists.offsets[i] + 5);
    std::sort(top.begin(), top.end());
    for (const int32_t label : top) past.push_back({lists.documents[i], label, 0.5f});
  }
  std::vector<int64_t> by_place(20, 0);
  int64_t draws = 0;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    const Asking asking = choose(lists, past, 50, 1, {.random_share = 0.4}, seed);
    CHECK(asking.num_new == 50);
    for (const Chosen& c : chosen_of(asking)) {
      if (c.stream != AskingStream::random) continue;
      ++by_place[place_of(lists, c.document, c.label)];
      ++draws;
    }
  }
  // 20 new ones of 300 seeds are three quarters of all draws.
  CHECK(static_cast<double>(draws) == Approx(300 * 20 / 0.75).epsilon(0.05));
  for (const int64_t of_place : by_place)
    CHECK(std::abs(static_cast<double>(of_place) - static_cast<double>(draws) / 20) < 5 * std::sqrt(static_cast<double>(draws) / 20));
}

TEST_CASE("the random stream is never given up, however small the budget") {
  const Lists lists = random_lists(30, 20, 100);
  CHECK(count(choose(lists, {}, 1, 0), AskingStream::random) == 1);
  CHECK(count(choose(lists, {}, 4, 3), AskingStream::random) == 1);
  CHECK(count(choose(lists, {}, 4, 3, no_random), AskingStream::random) == 0);
}

TEST_CASE("labels short of yeses are asked on the documents that they score highest for") {
  Lists lists;
  lists.add({0, 1, 2, 3}, 1.0f);
  lists.add({1, 0, 3, 2}, 1.5f);
  lists.add({0, 1, 2, 3}, 1.2f);
  // Labels 0 and 1 have yeses enough, from documents elsewhere.
  std::vector<PastPair> past;
  for (int64_t document = 100; document < 104; ++document) {
    past.push_back({document, 0, 0.9f});
    past.push_back({document, 1, 0.9f});
    past.push_back({document, 2, 0.6f});
  }
  past.push_back({104, 2, 0.55f});
  const Asking asking = choose(lists, past, 2, 1, {.cut_share = 0, .coverage_share = 1, .random_share = 0});
  const auto chosen = chosen_of(asking);
  REQUIRE(chosen.size() == 2);
  // Label 2 has 2.95 yeses; both are best in the second document, label 3 by a place.
  CHECK((chosen[0].document == 6 && chosen[0].label == 3 && chosen[0].stream == AskingStream::coverage));
  CHECK((chosen[1].document == 6 && chosen[1].label == 2 && chosen[1].stream == AskingStream::coverage));
}

TEST_CASE("the cut stream prefers pairs whose scores leave the answer open") {
  const Lists lists = random_lists(100, 40, 400);
  // Yes down to place 9, no from place 10: the cut lies there.
  std::vector<PastPair> past;
  for (int64_t i = 0; i < 100; i += 2) {
    std::vector<PastPair> of;
    for (int64_t place = 0; place < 40; place += 3) of.push_back({lists.documents[i], lists.labels[lists.offsets[i] + place], place < 10 ? 0.95f : 0.02f});
    std::sort(of.begin(), of.end(), [](const PastPair& a, const PastPair& b) { return a.label < b.label; });
    past.insert(past.end(), of.begin(), of.end());
  }
  const Asking asking = choose(lists, past, 200, 1, {.cut_share = 1, .coverage_share = 0, .random_share = 0});
  CHECK(count(asking, AskingStream::cut) == 200);
  int64_t near = 0;
  for (const Chosen& c : chosen_of(asking)) near += std::abs(place_of(lists, c.document, c.label) - 10) <= 5;
  // A uniform draw has 55 there.
  CHECK(near > 110);
}

TEST_CASE("asking by place takes the first place of all documents before the second of any") {
  const Lists lists = random_lists(10, 6, 40);
  std::vector<PastPair> past{{lists.documents[4], lists.labels[lists.offsets[4]], abstained}};
  const Asking asking = choose_by_place(lists.view(), past, 12, 0, 0);
  CHECK(asking.num_new == 12);
  int64_t second = 0;
  for (const Chosen& c : chosen_of(asking)) {
    const int64_t place = place_of(lists, c.document, c.label);
    CHECK(place <= 1);
    CHECK((c.stream == AskingStream::top));
    second += place == 1;
  }
  CHECK(second == 3);
  CHECK(choose_by_place(lists.view(), past, 1000, 0, 0).num_new == 59);
}

TEST_CASE("spread out documents come first where that is wanted, and need vectors") {
  const Lists lists = random_lists(50, 10, 60);
  const AskingOptions spread{.random_share = 0, .first_documents = "spread"};
  at::Tensor vectors = at::randn({50, 8});
  vectors = vectors / vectors.norm(2, {1}, true);
  const Asking asking = choose_by_streams(lists.view(), {}, 40, 0, 0, spread, vectors);
  CHECK(asking.pairs.num_documents() == 10);
  const auto nearest = [&](const Asking& of) {
    double largest = -1;
    for (int64_t a = 0; a < of.pairs.num_documents(); ++a) {
      for (int64_t b = 0; b < a; ++b) {
        largest = std::max(largest, vectors[of.pairs.document(a) / 3 - 1].dot(vectors[of.pairs.document(b) / 3 - 1]).item<double>());
      }
    }
    return largest;
  };
  CHECK(nearest(asking) < nearest(choose(lists, {}, 40, 0, no_random)));
  CHECK_THROWS_WITH(choose(lists, {}, 40, 0, spread), Catch::Contains("`vectors` must have a row for each of the 50 documents, but there are none"));
}

TEST_CASE("past pairs are the answered ones of all stages, each once") {
  AskedPairs first, second;
  first.add(2, std::vector<int64_t>{5, 1});
  first.add(4, std::vector<int64_t>{0});
  first.all()[0].state = PairState::scored;
  first.all()[0].score = 0.25;
  first.all()[1].state = PairState::abstained;
  second.add(1, std::vector<int64_t>{9});
  second.add(2, std::vector<int64_t>{5});
  for (AskedPair& pair : second.all()) {
    pair.state = PairState::scored;
    pair.score = 0.75;
  }
  const auto past = past_pairs(std::vector{first, second}, [](int64_t, const AskedPair& pair) { return pair.score / 2; });
  REQUIRE(past.size() == 3);
  CHECK((past[0].document == 1 && past[0].label == 9 && past[0].target == 0.375f));
  CHECK((past[1].document == 2 && past[1].label == 1 && std::isnan(past[1].target)));
  CHECK((past[2].document == 2 && past[2].label == 5 && past[2].target == 0.125f));
}

TEST_CASE("shortlists are proposals of equal length") {
  const Shortlists shortlists{.k = 2, .documents = {1, 5}, .labels = {4, 3, 2, 1}, .scores = {.4f, .3f, .2f, .1f}};
  const ProposedLabels proposed = ProposedLabels::of(shortlists);
  CHECK(proposed.size() == 2);
  CHECK(proposed.offsets == std::vector<int64_t>{0, 2, 4});
  CHECK(choose_by_place(proposed, {}, 2, 0, 0).pairs.of_document(5).front().label == 2);
}

TEST_CASE("proposals are asked by their places, and scored by cosines where they have them") {
  Proposals proposals;
  proposals.documents = {1, 5};
  proposals.offsets = {0, 2, 3};
  proposals.labels = {4, 3, 2};
  proposals.scores = {.4f, .3f, .2f};
  CHECK(ProposedLabels::of(proposals).scores[1] == .3f);
  proposals.cosines = {.1f, .9f, .5f};
  const ProposedLabels proposed = ProposedLabels::of(proposals);
  CHECK(proposed.scores[1] == .9f);
  CHECK(proposed.length(1) == 1);
  CHECK(choose_by_place(proposed, {}, 2, 0, 0).pairs.of_document(1).front().label == 4);
}

TEST_CASE("streams come back from their file, and a damaged one is refused") {
  const TemporaryFolder folder;
  const std::vector<AskingStream> streams{AskingStream::top, AskingStream::random, AskingStream::cut};
  save_streams(streams, folder.path() / "streams");
  CHECK((load_streams(folder.path() / "streams") == streams));
  CHECK_NOTHROW(load_streams(folder.path() / "streams", 3));
  CHECK_THROWS_WITH(load_streams(folder.path() / "streams", 4), Catch::Contains("is damaged"));
  save_streams(std::vector{static_cast<AskingStream>(9)}, folder.path() / "streams");
  CHECK_THROWS_WITH(load_streams(folder.path() / "streams"), Catch::Contains("is damaged"));
}

TEST_CASE("a hundred thousand documents with a hundred labels each are asked in seconds", "[.long]") {
  Lists lists;
  detail::KeyedRandom random(1);
  for (int64_t i = 0; i < 100000; ++i) {
    std::vector<int32_t> list(100);
    const auto first = static_cast<int32_t>(random.below(70000));
    for (int32_t place = 0; place < 100; ++place) list[place] = (first + 613 * place) % 76000;
    lists.add(list, static_cast<float>(random.uniform()));
  }
  std::vector<PastPair> past;
  for (int64_t round = 0; round < 3; ++round) {
    const auto begin = std::chrono::steady_clock::now();
    const Asking asking = choose(lists, past, 150000, round);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    WARN("round " << round << ": " << seconds << " s");
    CHECK(asking.num_new == 150000);
    CHECK(seconds < 30);
    for (const Chosen& c : chosen_of(asking)) past.push_back({c.document, c.label, random.below(5) == 0 ? 0.9f : 0.05f});
    std::sort(past.begin(), past.end(), [](const PastPair& a, const PastPair& b) { return std::pair(a.document, a.label) < std::pair(b.document, b.label); });
  }
}
