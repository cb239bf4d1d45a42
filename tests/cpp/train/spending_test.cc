#include "lmtx/train/spending.h"

#include <cmath>

#include "catch.h"

using namespace lmtx;

namespace {

Usage tokens(int64_t prompt, int64_t completion = 0, double cost = 0) { return {.prompt_tokens = prompt, .completion_tokens = completion, .cost = cost}; }

}  // namespace

TEST_CASE("without limits anything may be spent") {
  Spending spending(Budget{}, 1'000'000, tokens(1'000'000'000, 0, 1e9));
  spending.keep_back_share(0.5);
  CHECK(spending.take());
  CHECK(spending.suffices_for(tokens(1'000'000'000, 0, 1e9)));
  CHECK_FALSE(spending.used_up());
}

TEST_CASE("what is expected is put aside, what was used is gone, and both together never pass the limit") {
  Spending spending(Budget{.tokens = 100}, 0, tokens(20, 5));
  CHECK(spending.suffices_for(tokens(70, 5)));
  CHECK_FALSE(spending.suffices_for(tokens(71, 5)));
  spending.put_aside(tokens(50));
  CHECK(spending.suffices_for(tokens(25)));
  CHECK_FALSE(spending.suffices_for(tokens(26)));
  // The answer took less than was expected.
  spending.give_back(tokens(50));
  spending.use(tokens(30));
  CHECK(spending.suffices_for(tokens(45)));
  CHECK_FALSE(spending.used_up());
  spending.use(tokens(40, 5));
  CHECK(spending.used_up());
  // Also a question of which nobody knows what it takes.
  CHECK_FALSE(spending.suffices_for(Usage{}));
}

TEST_CASE("what is put aside is not used up") {
  Spending spending(Budget{.cost = 1}, 0);
  spending.put_aside(tokens(0, 0, 1));
  CHECK_FALSE(spending.used_up());
  CHECK_FALSE(spending.suffices_for(Usage{}));
  spending.give_back(tokens(0, 0, 1));
  CHECK(spending.suffices_for(tokens(0, 0, 1)));
}

TEST_CASE("a share of what is left is kept back") {
  Spending spending(Budget{.tokens = 100, .cost = 10}, 0, tokens(50, 0, 5));
  spending.keep_back_share(0.1);
  CHECK(spending.suffices_for(tokens(45, 0, 4.5)));
  CHECK_FALSE(spending.suffices_for(tokens(46)));
  CHECK_FALSE(spending.suffices_for(tokens(0, 0, 4.6)));
}

TEST_CASE("a limit of nothing is used up from the start") {
  CHECK(Spending(Budget{.tokens = 0}, 0).used_up());
  CHECK(Spending(Budget{.cost = 0}, 0).used_up());
  CHECK_FALSE(Spending(Budget{.judgments = 0}, 0).take());
}

TEST_CASE("answers are priced by the million, cached tokens apart, unless the teacher gave a price") {
  const Usage usage{.prompt_tokens = 3'000'000, .cached_tokens = 1'000'000, .completion_tokens = 500'000};
  CHECK(priced(usage, {.prompt = 2, .cached = 0.5, .completion = 8}).cost == Approx(2 * 2 + 0.5 + 4));
  CHECK(priced(usage, {.prompt = 2, .completion = 8}).cost == Approx(3 * 2 + 4));
  CHECK(priced(usage, {}).cost == 0);
  CHECK(priced({.prompt_tokens = 10, .cost = 7}, {.prompt = 2}).cost == 7);
  // A server that counts more cached tokens than there are.
  CHECK(priced({.prompt_tokens = 1'000'000, .cached_tokens = 2'000'000}, {.prompt = 2, .cached = 1}).cost == Approx(1));
}
