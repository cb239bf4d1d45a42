#include "lmtx/train/spending.h"

#include <algorithm>
#include <limits>

namespace lmtx {

namespace {

constexpr double without_limit = std::numeric_limits<double>::infinity();

double tokens_of(const Usage& usage) { return static_cast<double>(usage.prompt_tokens + usage.completion_tokens); }

}  // namespace

Spending::Spending(const Budget& budget, int64_t spent, const Usage& used)
    : pairs_left_(budget.judgments ? std::max<int64_t>(0, *budget.judgments - spent) : std::numeric_limits<int64_t>::max()),
      left_{.tokens = budget.tokens ? static_cast<double>(*budget.tokens) : without_limit, .cost = budget.cost.value_or(without_limit)} {
  use(used);
}

void Spending::keep_back(int64_t pairs) { pairs_left_ -= std::min(pairs_left_, pairs); }

void Spending::keep_back_share(double share) {
  for (double* amount : {&left_.tokens, &left_.cost}) {
    if (*amount > 0 && *amount < without_limit) *amount -= share * *amount;
  }
}

bool Spending::take() {
  if (pairs_left_ == 0) return false;
  --pairs_left_;
  return true;
}

void Spending::give_back() { ++pairs_left_; }

bool Spending::suffices_for(const Usage& expected) const {
  const double tokens = left_.tokens - aside_.tokens, cost = left_.cost - aside_.cost;
  return tokens > 0 && cost > 0 && tokens_of(expected) <= tokens && expected.cost <= cost;
}

void Spending::Amount::add(const Usage& usage, double times) {
  tokens += times * tokens_of(usage);
  cost += times * usage.cost;
}

}  // namespace lmtx
