#include "lmtx/teacher/budget.h"

#include <algorithm>

namespace lmtx {

Usage priced(Usage usage, const Rates& rates) {
  if (usage.cost != 0) return usage;
  const int64_t cached = std::min(usage.cached_tokens, usage.prompt_tokens);
  const double for_cached = rates.cached < 0 ? rates.prompt : rates.cached;
  const double millionths = static_cast<double>(usage.prompt_tokens - cached) * rates.prompt + static_cast<double>(cached) * for_cached +
                            static_cast<double>(usage.completion_tokens) * rates.completion;
  usage.cost = millionths / 1e6;
  return usage;
}

}  // namespace lmtx
