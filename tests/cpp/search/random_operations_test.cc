// Random operations on an index and on a simple model of it, which must agree after each.
#include <string>

#include "catch.h"
#include "temporary_folder.h"
#include "lmtx/search/label_index.h"
#include "rows.h"

using namespace lmtx;

namespace {

constexpr int64_t dim = 5;

class Pair {
 public:
  explicit Pair(uint64_t seed) : random_(detail::random_key(seed, "operations")), index_(LabelIndex::build(tensor_of({}, dim), {.normalize = false})) {}

  void step() {
    const int64_t what = random_.below(10);
    if (what < 4) return add();
    if (what < 6) return remove();
    if (what < 8) return bias();
    if (what < 9) return save_and_load();
    index_ = index_.compact();
  }

  void check() {
    REQUIRE(index_.num_labels() == static_cast<int64_t>(truth_.rows.size()));
    const auto queries = whole_rows(3, dim, 2, random_.next());
    const int64_t k = 1 + random_.below(30);
    LabelFilter filter;
    if (random_.below(3) == 0) filter.allow = some_labels(10);
    if (random_.below(3) == 0) filter.deny = some_labels(10);
    REQUIRE(rankings_of(index_.search(tensor_of(queries, dim), k, filter)) == truth_.search(queries, k, filter));
  }

 private:
  std::vector<int64_t> some_labels(int64_t most) {
    std::vector<int64_t> labels(1 + random_.below(most));
    for (int64_t& label : labels) label = random_.below(60);
    return labels;
  }

  std::vector<int64_t> some_known_labels() {
    std::vector<int64_t> known;
    for (int64_t label : some_labels(6)) {
      if (truth_.rows.contains(label)) known.push_back(label);
    }
    return known;
  }

  void add() {
    const auto owners = some_labels(12);
    const auto rows = whole_rows(static_cast<int64_t>(owners.size()), dim, 2, random_.next());
    index_ = index_.with_added(tensor_of(rows, dim), owners);
    truth_.add(rows, owners);
  }

  void remove() {
    const auto labels = some_known_labels();
    index_ = index_.with_removed(labels);
    for (int64_t label : labels) {
      truth_.rows.erase(label);
      truth_.biases.erase(label);
    }
  }

  void bias() {
    const auto labels = some_known_labels();
    std::vector<float> biases;
    for (int64_t label : labels) {
      biases.push_back(static_cast<float>(random_.below(9) - 4) / 2);
      truth_.biases[label] = biases.back();
    }
    index_ = index_.with_bias(labels, biases);
  }

  void save_and_load() {
    index_.save(folder_ / "index");
    index_ = LabelIndex::load(folder_ / "index");
  }

  TemporaryFolder folder_;
  detail::KeyedRandom random_;
  LabelIndex index_;
  BruteForce truth_;
};

}  // namespace

TEST_CASE("an index agrees with a simple model through random operations") {
  for (uint64_t seed = 0; seed < 8; ++seed) {
    CAPTURE(seed);
    Pair pair(seed);
    for (int i = 0; i < 60; ++i) {
      pair.step();
      pair.check();
    }
  }
}

TEST_CASE("values made from an index leave it as it was") {
  const auto rows = whole_rows(20, dim, 2, 1);
  const auto queries = tensor_of(whole_rows(5, dim, 2, 2), dim);
  const auto index = LabelIndex::build(tensor_of(rows, dim), {.normalize = false});
  const auto before = rankings_of(index.search(queries, 30));
  const std::vector<int64_t> labels = {3, 4};
  const auto changed = index.with_added(tensor_of(rows, dim), count_up(20)).with_bias(labels, std::vector<float>{5, 6}).with_removed(labels);
  CHECK(rankings_of(index.search(queries, 30)) == before);
  CHECK(changed.num_labels() == 18);
  CHECK(changed.num_rows() == 40);
  CHECK(changed.num_segments() == 2);
  CHECK(changed.compact().num_rows() == 36);
  CHECK(changed.compact().num_segments() == 1);
  CHECK(rankings_of(changed.compact().search(queries, 30)) == rankings_of(changed.search(queries, 30)));
}

TEST_CASE("rows added to a removed label bring it back with those rows only, and without its bias") {
  const std::vector<int64_t> label = {1};
  const auto index = LabelIndex::build(tensor_of({{1, 0}, {9, 0}}, 2), {.normalize = false}).with_bias(label, std::vector<float>{100});
  const auto back = index.with_removed(label).with_added(tensor_of({{2, 0}}, 2), label);
  CHECK(rankings_of(back.search(tensor_of({{1, 0}}, 2), 2))[0] == Ranking{{1, 0}, {2, 1}});
}
