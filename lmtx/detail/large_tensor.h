// Memory for results. Internal: no public header includes it.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "lmtx/export.h"

namespace lmtx::detail {

// float32 [num_rows, dim] on the CPU, of any content. Where the system has large pages to give, it is made of them: touching gigabytes for the first time takes
// a tenth of the time then.
LMTX_API at::Tensor empty_rows(int64_t num_rows, int64_t dim);

}  // namespace lmtx::detail
