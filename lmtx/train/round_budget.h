// How a budget is shared among rounds of asking. Internal.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

namespace lmtx {

// Pairs that a run spreads over its rounds, where `budget` is a number or there is no limit, and how many of them are for documents held out, if these are
// compared by the verdicts of all rounds.
inline int64_t pairs_in_all(std::optional<int64_t> budget, int64_t per_document, int64_t documents) { return budget.value_or(per_document * documents); }
inline int64_t pairs_held_out(int64_t in_all) { return in_all / 10; }

// Pairs to ask in `round`, from 0, of `rounds`, where `total` may be asked in all and `spent` were. Shares grow linearly, as later students ask better: 10, 15,
// 20, 25 and 30 % in five rounds. What earlier rounds left over comes on top; the last round gets all there is.
inline int64_t round_budget(int64_t total, int64_t rounds, int64_t round, int64_t spent) {
  // Sums of 2, 3, 4, ….
  const auto sum = [](int64_t n) { return n * (n + 3) / 2; };
  const auto up_to_here = static_cast<int64_t>(static_cast<__int128>(total) * sum(std::min(round + 1, rounds)) / sum(rounds));
  return std::max<int64_t>(0, up_to_here - spent);
}

}  // namespace lmtx
