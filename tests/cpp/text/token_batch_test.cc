#include "lmtx/text/token_batch.h"

#include <numeric>
#include <set>

#include "catch.h"
#include "lmtx/detail/random.h"

using lmtx::plan_batches;
using Batches = std::vector<std::vector<int64_t>>;

namespace {

lmtx::TokenBatch pack(const std::vector<std::vector<int32_t>>& sequences) {
  return lmtx::pack(std::vector<std::span<const int32_t>>(sequences.begin(), sequences.end()));
}

std::vector<int32_t> values(const at::Tensor& tensor) {
  REQUIRE(tensor.scalar_type() == at::kInt);
  return {tensor.const_data_ptr<int32_t>(), tensor.const_data_ptr<int32_t>() + tensor.numel()};
}

}  // namespace

TEST_CASE("sequences are packed one after the other") {
  const lmtx::TokenBatch batch = pack({{101, 102}, {101, 7, 8, 102}, {5}});
  CHECK(values(batch.ids) == std::vector<int32_t>{101, 102, 101, 7, 8, 102, 5});
  CHECK(values(batch.offsets) == std::vector<int32_t>{0, 2, 6, 7});
  CHECK(batch.host_offsets == std::vector<int32_t>{0, 2, 6, 7});
  CHECK(batch.max_length == 4);
  CHECK(batch.size() == 3);
  CHECK(batch.num_tokens() == 7);
}

TEST_CASE("no sequences are a batch of nothing") {
  const lmtx::TokenBatch batch = pack({});
  CHECK(batch.size() == 0);
  CHECK(batch.num_tokens() == 0);
  CHECK(batch.ids.numel() == 0);
}

TEST_CASE("an empty sequence cannot be packed") {
  CHECK_THROWS_WITH(pack({{1}, {}}), "`sequences` must not have empty ones, but number 1 is empty.");
}

TEST_CASE("batches are cut from the longest to the shortest by token budget") {
  CHECK(plan_batches(std::vector<int64_t>{3, 5, 1, 3, 2}, 6) == Batches{{1}, {0, 3}, {4, 2}});
  SECTION("a sequence over the budget is a batch alone") { CHECK(plan_batches(std::vector<int64_t>{2, 9, 2}, 4) == Batches{{1}, {0, 2}}); }
  SECTION("a batch has at most max_sequences sequences") { CHECK(plan_batches(std::vector<int64_t>{1, 1, 1}, 100, 2) == Batches{{0, 1}, {2}}); }
  SECTION("nothing gives no batch") { CHECK(plan_batches({}, 10).empty()); }
}

TEST_CASE("a plan has every position once and keeps its limits") {
  lmtx::detail::KeyedRandom random(7);
  for (int round = 0; round < 200; ++round) {
    std::vector<int64_t> lengths(static_cast<size_t>(random.below(60)));
    for (int64_t& length : lengths) length = 1 + random.below(30);
    const int64_t budget = 1 + random.below(80);
    const int64_t max_sequences = random.below(9);
    std::set<int64_t> seen;
    int64_t last_length = 1000;
    for (const auto& batch : plan_batches(lengths, budget, max_sequences)) {
      int64_t tokens = 0;
      for (int64_t i : batch) {
        CHECK(seen.insert(i).second);
        CHECK(lengths[i] <= last_length);
        last_length = lengths[i];
        tokens += lengths[i];
      }
      CHECK((tokens <= budget || batch.size() == 1));
      CHECK((max_sequences == 0 || static_cast<int64_t>(batch.size()) <= max_sequences));
    }
    CHECK(seen.size() == lengths.size());
  }
}

TEST_CASE("a plan needs sensible limits") {
  CHECK_THROWS_WITH(plan_batches({}, 0), "`token_budget` must be at least 1, but is 0 instead.");
  CHECK_THROWS_WITH(plan_batches({}, 1, -1), "`max_sequences` must not be negative, but is -1 instead.");
}
