// Confidence bounds of a proportion. Internal.
#pragma once

#include "lmtx/export.h"

namespace lmtx::detail {

// Clopper and Pearson (1934), each one-sided with this confidence: at which proportions so many (yeses of n, fractions allowed) are still believable.
// 0 <= yeses <= n, n > 0.
LMTX_API double lower_bound(double yeses, double n, double confidence);
LMTX_API double upper_bound(double yeses, double n, double confidence);
// lower_bound() >= proportion, at a fraction of the cost.
LMTX_API bool is_at_least(double proportion, double yeses, double n, double confidence);

}  // namespace lmtx::detail
