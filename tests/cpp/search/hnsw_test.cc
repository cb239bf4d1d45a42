#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include "catch.h"
#include "temporary_folder.h"
#include "lmtx/search/label_index.h"
#include "rows.h"

using namespace lmtx;
namespace fs = std::filesystem;

#ifdef LMTX_FAISS
namespace {

constexpr int64_t num_rows = 6000, dim = 24;
const LabelIndexOptions hnsw = {.normalize = true, .method = "hnsw"};

// The share of exact matches that are found.
double recall_of(const std::vector<Ranking>& found, const std::vector<Ranking>& exact) {
  double hits = 0, all = 0;
  for (size_t q = 0; q < exact.size(); ++q) {
    for (int64_t label : exact[q].labels) hits += std::count(found[q].labels.begin(), found[q].labels.end(), label);
    all += static_cast<double>(exact[q].labels.size());
  }
  return hits / all;
}

// Rows near a few centers, as labels' are.
std::vector<Row> clustered_rows(int64_t n, uint64_t seed) {
  const auto centers = unit_rows(40, dim, 99);
  auto rows = unit_rows(n, dim, seed);
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < dim; ++j) rows[i][j] = 0.7f * rows[i][j] + centers[i % 40][j];
  }
  return rows;
}

struct Both {
  LabelIndex approximate;
  LabelIndex exact;
  at::Tensor queries;
  // Whether a label may own more than one.
  bool several_rows = false;

  void check(int64_t k, double least_recall, const LabelFilter& filter = {}) const {
    const auto found = rankings_of(approximate.search(queries, k, filter)), expected = rankings_of(exact.search(queries, k, filter));
    CHECK(recall_of(found, expected) >= least_recall);
    // Scores are exact ones: a label that both found has the same bits in both. One that owns several rows may have been found by one that is not its best.
    for (size_t q = 0; q < found.size(); ++q) {
      for (int64_t i = 0; i < k; ++i) {
        const auto place = std::find(expected[q].labels.begin(), expected[q].labels.end(), found[q].labels[i]);
        if (place == expected[q].labels.end()) continue;
        const float score = expected[q].scores[place - expected[q].labels.begin()];
        REQUIRE((found[q].scores[i] == score || (several_rows && found[q].scores[i] < score)));
      }
    }
  }
};

Both make_both() {
  const at::Tensor rows = tensor_of(clustered_rows(num_rows, 1), dim);
  return {LabelIndex::build(rows, hnsw), LabelIndex::build(rows), tensor_of(clustered_rows(80, 2), dim)};
}

}  // namespace

TEST_CASE("hnsw finds nearly all of the labels that exact search finds, with the same scores") {
  const Both both = make_both();
  both.check(1, 0.98);
  both.check(10, 0.98);
  both.check(100, 0.98);
  SECTION("the larger half of all labels is found by comparing with every row") { both.check(3000, 1.0); }
}

TEST_CASE("hnsw minds filters, removals, biases and added rows") {
  Both both = make_both();
  LabelFilter filter;
  for (int64_t label = 0; label < num_rows; label += 7) filter.deny.push_back(label);
  both.check(10, 0.98, filter);
  filter.allow = {5, 17, 4001};
  both.check(5, 1.0, filter);
  const std::vector<int64_t> removed = filter.deny, biased = {3, 4, 5};
  const std::vector<float> biases = {0.3f, -0.2f, 5.0f};
  const at::Tensor more = tensor_of(clustered_rows(10, 3), dim);
  const auto change = [&](const LabelIndex& index) { return index.with_removed(removed).with_bias(biased, biases).with_added(more, count_up(10)); };
  both = {change(both.approximate), change(both.exact), both.queries, /*several_rows=*/false};
  CHECK(rankings_of(both.approximate.search(both.queries, 1))[0].labels[0] == 5);
  both.check(10, 0.97);
}

TEST_CASE("hnsw finds k labels where each owns many rows") {
  const at::Tensor rows = tensor_of(clustered_rows(num_rows, 4), dim);
  std::vector<int64_t> owners = count_up(num_rows);
  for (int64_t& owner : owners) owner /= 300;
  const Both both{LabelIndex::build(rows, owners, hnsw), LabelIndex::build(rows, owners), tensor_of(clustered_rows(30, 5), dim), /*several_rows=*/true};
  both.check(10, 0.97);
  both.check(20, 0.97);
}

TEST_CASE("a saved graph is loaded rather than built again, and answers the same") {
  const TemporaryFolder folder;
  const Both both = make_both();
  both.approximate.save(folder / "index");
  const auto loaded = LabelIndex::load(folder / "index");
  CHECK(loaded.options().method == "hnsw");
  CHECK(rankings_of(loaded.search(both.queries, 10)) == rankings_of(both.approximate.search(both.queries, 10)));
  loaded.save(folder / "again");
  const auto names = [](const fs::path& place) {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(place)) names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  };
  CHECK(names(folder / "index") == names(folder / "again"));
  CHECK(names(folder / "index").size() == 3);
}

TEST_CASE("a damaged graph file is named") {
  const TemporaryFolder folder;
  make_both().approximate.save(folder / "index");
  for (const auto& entry : fs::directory_iterator(folder / "index")) {
    const fs::path file = entry.path();
    if (!file.filename().string().starts_with("graph-")) continue;
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(1000).put('\x55');
    stream.close();
    CHECK_THROWS_WITH(LabelIndex::load(folder / "index"), ContainsSubstring(file.filename().string() + ": damaged"));
    fs::resize_file(file, 1000);
    CHECK_THROWS_WITH(LabelIndex::load(folder / "index"), ContainsSubstring("but it has 1000: truncated"));
  }
}
#else
TEST_CASE("hnsw is refused in builds without FAISS") {
  CHECK_THROWS_WITH(LabelIndex::build(tensor_of({{1, 2}}, 2), {.normalize = true, .method = "hnsw"}), ContainsSubstring("LMTX_FAISS=ON"));
}
#endif
