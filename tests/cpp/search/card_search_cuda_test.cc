// Search on a card against the CPU, bit for bit.
#ifdef LMTX_CUDA
#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <string>
#include <thread>

#include "catch.h"
#include "lmtx/search/cuda/error_bound.h"
#include "lmtx/search/label_index.h"
#include "lmtx/stopped.h"
#include "rows.h"

using namespace lmtx;

namespace {

const LabelIndexOptions as_they_are = {.normalize = false};

bool have_card() {
  if (at::hasCUDA()) return true;
  WARN("skipped: no card");
  return false;
}

// How many queries were searched again on the CPU.
struct Again {
  int64_t queries = 0;
  EventCallback callback() {
    return [this](const Event& event) {
      if (event.kind == Event::Kind::notice) queries += std::stoll(event.message);
    };
  }
};

std::string differences(const Ranking& found, const Ranking& expected) {
  std::string text;
  for (size_t i = 0, shown = 0; i < expected.labels.size() && shown < 3; ++i) {
    if (found.labels[i] == expected.labels[i] && found.scores[i] == expected.scores[i]) continue;
    text += "\n    place " + std::to_string(i) + ": expected label " + std::to_string(expected.labels[i]) + ", " + std::to_string(expected.scores[i]) +
            ", found label " + std::to_string(found.labels[i]) + ", " + std::to_string(found.scores[i]);
    ++shown;
  }
  return text;
}

// `on_card` is `index` on a card. Returns how many queries the card left to the CPU.
int64_t check_same(const std::string& name, const LabelIndex& index, const LabelIndex& on_card, const at::Tensor& queries, int64_t k,
                   const LabelFilter& filter = {}) {
  const auto expected = rankings_of(index.search(queries, k, filter));
  Again again;
  const auto found = rankings_of(on_card.search(queries, k, filter, again.callback()));
  size_t wrong = 0;
  std::string text;
  for (size_t q = 0; q < expected.size(); ++q) {
    if (found[q] == expected[q]) continue;
    if (wrong++ < 3) text += "\n  query " + std::to_string(q) + differences(found[q], expected[q]);
  }
  INFO(name << ", " << index.num_rows() << " rows of " << index.dim() << ", " << queries.size(0) << " queries, k = " << k << ": " << wrong << " differ"
            << text);
  CHECK(wrong == 0);
  return again.queries;
}

int64_t check_same(const std::string& name, const LabelIndex& index, const at::Tensor& queries, int64_t k, const LabelFilter& filter = {},
                   const CardOptions& options = {}) {
  return check_same(name, index, index.to("cuda", options), queries, k, filter);
}

at::Tensor unit(const at::Tensor& rows) { return rows / rows.norm(2, 1, true); }

// Around `centers` centers, those of one center side by side.
at::Tensor clustered(int64_t n, int64_t dim, int64_t centers, double spread) {
  const at::Tensor middle = at::randn({centers, dim}).repeat_interleave((n + centers - 1) / centers, 0).narrow(0, 0, n);
  return unit(middle + spread * at::randn({n, dim}));
}

}  // namespace

TEST_CASE("a card finds the same bits as the CPU for many shapes", "[cuda]") {
  if (!have_card()) return;
  at::manual_seed(1);
  for (int64_t dim : {1, 7, 8, 31, 64, 384, 768, 1000, 1536}) {
    for (int64_t n : {1, 5, 31, 1000, 8192, 8193, 20'001}) {
      if (n * dim > 10'000'000) continue;
      const auto index = LabelIndex::build(at::randn({n, dim}));
      const auto on_card = index.to("cuda");
      CHECK(on_card.device() == "cuda:0");
      for (int64_t queries : {1, 2, 33, 70}) {
        const at::Tensor some = unit(at::randn({queries, dim}));
        for (int64_t k : {int64_t{1}, int64_t{10}, std::min<int64_t>(n + 5, 150)}) check_same("random", index, on_card, some, k);
      }
    }
  }
}

TEST_CASE("a card finds the same bits among 100,000 and 600,000 rows, and leaves no query to the CPU", "[cuda]") {
  if (!have_card()) return;
  at::manual_seed(2);
  for (const auto& [n, dim] : {std::pair<int64_t, int64_t>{100'000, 768}, {100'000, 384}, {600'000, 64}, {600'003, 20}}) {
    const auto index = LabelIndex::build(at::randn({n, dim}));
    const auto on_card = index.to("cuda");
    const at::Tensor queries = unit(at::randn({40, dim}));
    for (int64_t k : {1, 100}) {
      CHECK(check_same("random", index, on_card, queries, k) == 0);
      CHECK(check_same("one query", index, on_card, queries.narrow(0, 3, 1), k) == 0);
    }
    CHECK(check_same("many wanted", index, on_card, queries.narrow(0, 0, 5), 1000) == 0);
  }
}

TEST_CASE("a card finds the same bits where neighbors are alike", "[cuda]") {
  if (!have_card()) return;
  at::manual_seed(3);
  for (double spread : {0.1, 0.5, 2.0}) {
    const at::Tensor rows = clustered(60'000, 96, 200, spread);
    const auto index = LabelIndex::build(rows);
    const at::Tensor queries = unit(rows.slice(0, 0, rows.size(0), 1500) + 0.02 * at::randn({40, 96}));
    for (int64_t k : {1, 100}) WARN("spread " << spread << ", k = " << k << ": " << check_same("clustered", index, queries, k) << " of 40 queries again");
  }
}

TEST_CASE("equal scores go to the smaller label number on a card", "[cuda]") {
  if (!have_card()) return;
  for (const auto& [n, dim] : {std::pair<int64_t, int64_t>{5000, 5}, {9000, 16}, {70'000, 4}, {30'000, 24}}) {
    const auto index = LabelIndex::build(tensor_of(whole_rows(n, dim, 2, 1), dim), as_they_are);
    const auto on_card = index.to("cuda");
    const at::Tensor queries = tensor_of(whole_rows(50, dim, 2, 2), dim);
    for (int64_t k : {1, 7, 100, 3000}) check_same("whole numbers", index, on_card, queries, k);
    check_same("whole numbers", index, on_card, queries.narrow(0, 7, 1), 100);
  }
}

TEST_CASE("where too many rows are alike, the CPU decides, and a notice says so", "[cuda]") {
  if (!have_card()) return;
  at::manual_seed(4);
  const at::Tensor row = at::randn({1, 97}), queries = unit(at::randn({6, 97}));
  std::vector<int64_t> owners = count_up(9000);
  for (int64_t& owner : owners) owner = 20'000 - owner;
  const auto index = LabelIndex::build(row.repeat({9000, 1}), owners);
  CHECK(check_same("copies", index, queries, 4) == 6);
  CHECK(check_same("copies, one query", index, queries.narrow(0, 0, 1), 4) == 1);
  CHECK(check_same("some copies", LabelIndex::build(at::cat({row.repeat({900, 1}), at::randn({5000, 97})})), row, 4) == 0);
  CHECK(check_same("zeros", LabelIndex::build(at::zeros({100, 97})), queries, 4) == 0);
}

TEST_CASE("a label with several rows counts once on a card, with its best", "[cuda]") {
  if (!have_card()) return;
  at::manual_seed(5);
  for (int64_t labels : {300, 3000, 19'000}) {
    std::vector<int64_t> owners(20'000);
    for (size_t i = 0; i < owners.size(); ++i) owners[i] = static_cast<int64_t>(i) * 7919 % labels * 1'000'000'007;
    const auto index = LabelIndex::build(at::randn({20'000, 40}), owners);
    const auto on_card = index.to("cuda");
    const at::Tensor queries = unit(at::randn({20, 40}));
    for (int64_t k : {1, 10, 30, 299, 400}) check_same("rows of " + std::to_string(labels) + " labels", index, on_card, queries, k);
    check_same("one query", index, on_card, queries.narrow(0, 0, 1), 10);
  }
}

TEST_CASE("biases, removals, filters and segments count on a card as on the CPU", "[cuda]") {
  if (!have_card()) return;
  at::manual_seed(6);
  const int64_t dim = 48;
  LabelIndex index = LabelIndex::build(at::randn({12'000, dim}));
  LabelIndex on_card = index.to("cuda:0");
  const at::Tensor queries = unit(at::randn({45, dim}));
  const auto check_all = [&](const std::string& name) {
    CHECK(on_card.device() == "cuda:0");
    for (int64_t k : {1, 20, 130}) {
      check_same(name, index, on_card, queries, k);
      check_same(name + ", one query", index, on_card, queries.narrow(0, 1, 1), k);
    }
  };
  const auto both = [&](const auto& change) {
    index = change(index);
    on_card = change(on_card);
  };
  std::vector<int64_t> some, more_owners;
  std::vector<float> biases;
  for (int64_t label = 0; label < 12'000; label += 3) some.push_back(label);
  for (int64_t label : some) biases.push_back(static_cast<float>(label % 17 - 8) / 20.0f);
  both([&](const LabelIndex& i) { return i.with_bias(some, biases); });
  check_all("biased");
  both([&](const LabelIndex& i) { return i.with_bias(std::vector<int64_t>{5}, std::vector<float>{-1e38f}); });
  check_all("with a huge bias");
  both([&](const LabelIndex& i) { return i.with_removed(std::vector<int64_t>(some.begin(), some.begin() + 2000)); });
  check_all("removed");
  const at::Tensor added = at::randn({700, dim});
  for (int64_t i = 0; i < 700; ++i) more_owners.push_back(i % 2 == 0 ? 20'000 + i : i * 5);
  both([&](const LabelIndex& i) { return i.with_added(added, more_owners); });
  both([&](const LabelIndex& i) { return i.with_added(added.narrow(0, 3, 1), std::vector<int64_t>{77}); });
  CHECK(on_card.num_segments() == 3);
  check_all("added");
  std::vector<int64_t> many = count_up(9000);
  for (int64_t k : {1, 20}) {
    check_same("few allowed", index, on_card, queries, k, {.allow = {4, 1499, 0, 77, 78, 77, 50'000, -3}, .deny = {}});
    check_same("many allowed", index, on_card, queries, k, {.allow = many, .deny = {}});
    check_same("many denied", index, on_card, queries, k, {.allow = {}, .deny = many});
    check_same("both", index, on_card, queries, k, {.allow = many, .deny = some});
    check_same("nothing allowed", index, on_card, queries, k, {.allow = {4}, .deny = {4}});
  }
  both([&](const LabelIndex& i) { return i.compact(); });
  check_all("compact");
  check_same("back on the CPU", index, on_card.to("cpu"), queries, 20);
}

TEST_CASE("long and short vectors are told apart on a card", "[cuda]") {
  if (!have_card()) return;
  std::vector<Row> rows;
  for (int i = 0; i < 300; ++i) rows.push_back({std::ldexp(1.0f, i % 2 == 0 ? i / 4 : -i / 4), 1e-30f});
  const at::Tensor queries = tensor_of({{1, 1}, {-1, 1}, {1e-20f, 3}, {0, 1}, {0, 0}, {1e-42f, 1e-44f}, {3e17f, -3e10f}}, 2);
  check_same("two numbers", LabelIndex::build(tensor_of(rows, 2), as_they_are), queries, 20);
  at::manual_seed(7);
  for (double scale : {1e-44, 1e-38, 1e-30, 1e-5, 1.0, 1e5, 1e17}) {
    const at::Tensor scaled = at::randn({6000, 33}) * scale;
    const auto index = LabelIndex::build(scaled, as_they_are);
    const auto on_card = index.to("cuda");
    for (double other : {1e-40, 1e-20, 1.0, 1e10, 1e18}) {
      const at::Tensor some = at::randn({9, 33}) * other;
      check_same("scales " + std::to_string(std::log10(scale)) + ", " + std::to_string(std::log10(other)), index, on_card, some, 12);
      check_same("one query", index, on_card, some.narrow(0, 2, 1), 12);
    }
  }
  // Some rows 10,000 times as long as others.
  const at::Tensor mixed = at::randn({6000, 33}) * at::pow(10.0, at::rand({6000, 1}) * 8 - 4);
  check_same("mixed", LabelIndex::build(mixed, as_they_are), at::randn({20, 33}), 50);
}

TEST_CASE("rows that do not fit are searched block by block", "[cuda]") {
  if (!have_card()) return;
  at::manual_seed(8);
  const auto index = LabelIndex::build(at::randn({30'000, 50}));
  const auto more = index.with_added(at::randn({500, 50}), count_up(500)).with_bias(std::vector<int64_t>{3, 29'000}, std::vector<float>{0.1f, 0.2f});
  const at::Tensor queries = unit(at::randn({80, 50}));
  for (int64_t limit : {1, 100'000, 2'000'000, 9'000'000, 1'000'000'000}) {
    const std::string name = "limit " + std::to_string(limit);
    check_same(name, index, queries, 10, {}, {.memory_limit = limit});
    check_same(name + ", one query", index, queries.narrow(0, 0, 1), 10, {}, {.memory_limit = limit});
    check_same(name + ", more segments", more, queries, 10, {}, {.memory_limit = limit});
    check_same(name + ", denied", more, queries, 10, {.allow = {}, .deny = count_up(20'000)}, {.memory_limit = limit});
  }
}

TEST_CASE("matches lie where the queries do", "[cuda]") {
  if (!have_card()) return;
  at::manual_seed(9);
  const auto index = LabelIndex::build(at::randn({9000, 30})), on_card = index.to("cuda");
  const at::Tensor queries = unit(at::randn({3000, 30}));
  const auto expected = rankings_of(index.search(queries, 9));
  for (const LabelIndex& either : {index, on_card}) {
    const LabelMatches matches = either.search(queries.to(at::kCUDA), 9);
    REQUIRE(matches.labels.is_cuda());
    REQUIRE(matches.scores.is_cuda());
    CHECK(rankings_of({matches.labels.to(at::kCPU), matches.scores.to(at::kCPU)}) == expected);
  }
  // Not contiguous, and not at a multiple of 16 bytes.
  const at::Tensor odd = at::cat({at::zeros({3000, 1}), queries}, 1).to(at::kCUDA).narrow(1, 1, 30);
  CHECK(rankings_of({on_card.search(odd, 9).labels.to(at::kCPU), on_card.search(odd, 9).scores.to(at::kCPU)}) == expected);
  CHECK(on_card.search(queries.narrow(0, 0, 0), 9).labels.sizes() == at::IntArrayRef({0, 9}));
  const auto empty = LabelIndex::build(at::zeros({0, 30})).to("cuda");
  CHECK(rankings_of(empty.search(queries.narrow(0, 0, 1), 2))[0].labels == std::vector<int64_t>{-1, -1});
  CHECK(check_same("all removed", index.with_removed(count_up(9000)), index.with_removed(count_up(9000)).to("cuda"), queries.narrow(0, 0, 5), 3) == 0);
}

TEST_CASE("several threads may search one index on a card", "[cuda]") {
  if (!have_card()) return;
  at::manual_seed(10);
  const auto index = LabelIndex::build(at::randn({20'000, 64})).with_bias(std::vector<int64_t>{1}, std::vector<float>{0.1f});
  const auto on_card = index.to("cuda");
  const at::Tensor queries = unit(at::randn({50, 64}));
  const auto expected = rankings_of(index.search(queries, 5));
  std::vector<std::vector<Ranking>> found(4);
  {
    std::vector<std::jthread> threads;
    for (auto& mine : found) {
      threads.emplace_back([&] {
        for (int i = 0; i < 20; ++i) mine = rankings_of(on_card.search(queries, 5));
      });
    }
  }
  for (const auto& mine : found) CHECK(mine == expected);
}

TEST_CASE("wrong queries are refused on a card as on the CPU", "[cuda]") {
  if (!have_card()) return;
  at::manual_seed(11);
  const auto on_card = LabelIndex::build(at::randn({100, 4}) * 1e10, as_they_are).to("cuda");
  at::Tensor queries = at::randn({6, 4});
  CHECK_THROWS_WITH(on_card.search(queries, 0), "`k` must be at least 1, but is 0 instead.");
  CHECK_THROWS_WITH(on_card.search(at::randn({6, 3}), 1), "`queries` must have shape [num_queries, 4], but has shape [6, 3] instead.");
  CHECK_THROWS_WITH(on_card.search(queries.to(at::kDouble), 1), "`queries` must be float32, but is Double instead.");
  queries[4][2] = std::nanf("");
  CHECK_THROWS_WITH(on_card.search(queries, 1), "`queries` must be finite, but row 4 is not.");
  queries[4][2] = 1e30f;
  CHECK_THROWS_WITH(on_card.search(queries, 1), "`queries` row 4 is so long that scores would overflow float32.");
  queries[4][2] = -std::numeric_limits<float>::infinity();
  CHECK_THROWS_WITH(on_card.search(queries.narrow(0, 4, 1).to(at::kCUDA), 1), "`queries` must be finite, but row 0 is not.");
  std::stop_source source;
  source.request_stop();
  CHECK_THROWS_AS(on_card.search(at::randn({6, 4}), 1, {}, {}, source.get_token()), Stopped);
  CHECK_THROWS_WITH(on_card.to("cuda:99"), ContainsSubstring("`device` is \"cuda:99\", but of CUDA devices this machine has "));
  CHECK_THROWS_WITH(on_card.to("cuda", {.memory_limit = -1}), "`memory_limit` must not be negative, but is -1.");
}

TEST_CASE("progress on a card counts queries", "[cuda]") {
  if (!have_card()) return;
  at::manual_seed(12);
  const auto on_card = LabelIndex::build(at::randn({100, 4})).to("cuda");
  std::vector<int64_t> done;
  on_card.search(at::randn({2500, 4}), 1, {}, [&](const Event& event) {
    CHECK(event.stage == "search");
    CHECK(event.total == 2500);
    done.push_back(event.done);
  });
  CHECK(done == std::vector<int64_t>{1024, 2048, 2500});
}

TEST_CASE("the bound covers what products of float16 lose", "[cuda]") {
  if (!have_card()) return;
  at::manual_seed(13);
  const auto scaled_half = [](const at::Tensor& vectors, cuda::RoundedVectors& figures) {
    figures.length = vectors.to(at::kDouble).norm(2, 1).max().item<double>();
    figures.exponent = cuda::scale_exponent(figures.length);
    const at::Tensor scaled = vectors * std::ldexp(1.0, figures.exponent), half = scaled.to(at::kHalf);
    figures.rounding = (scaled.to(at::kDouble) - half.to(at::kDouble)).norm(2, 1).max().item<double>();
    return half;
  };
  for (int64_t dim : {8, 64, 768, 1536}) {
    for (const std::string kind : {"normal", "positive", "mixed", "one large"}) {
      at::Tensor rows = at::randn({3000, dim}), query = at::randn({1, dim});
      if (kind == "positive") rows = rows.abs(), query = query.abs();
      if (kind == "mixed") rows = rows * at::pow(10.0, at::rand({1, dim}) * 6 - 3);
      if (kind == "one large") rows.select(1, 3).fill_(1000);
      cuda::RoundedVectors row_figures{}, query_figures{};
      const at::Tensor half_rows = scaled_half(rows, row_figures), half_query = scaled_half(query, query_figures);
      at::globalContext().setAllowFP16ReductionCuBLAS(false);
      const at::Tensor products = at::mm(half_query.expand({64, dim}).contiguous().to(at::kCUDA), half_rows.to(at::kCUDA).t())[0].to(at::kCPU).to(at::kDouble);
      at::globalContext().setAllowFP16ReductionCuBLAS(true);
      const at::Tensor approximate = products * std::ldexp(1.0, -(row_figures.exponent + query_figures.exponent));
      const at::Tensor exact = at::mm(query.to(at::kDouble), rows.to(at::kDouble).t())[0];
      const cuda::ErrorBound bound = cuda::error_bound(query_figures, row_figures, dim, {.half = true, .largest_offset = -1});
      const double share = ((approximate - exact).abs() / (bound.absolute + bound.relative * approximate.abs())).max().item<double>();
      WARN(dim << " dimensions, " << kind << ": at most " << share << " of the bound");
      CHECK(share <= 1);
    }
  }
}
#endif
