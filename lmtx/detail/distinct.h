// Which of many byte strings are equal. Internal: no public header includes it.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "lmtx/export.h"

namespace lmtx::detail {

struct Distinct {
  // The items that equal none before them, by rising position.
  std::vector<int64_t> first;
  // The others, and for each the first item that equals it.
  struct Copy {
    int64_t item = 0;
    int64_t of = 0;
  };
  std::vector<Copy> copies;
};

// Takes torch's threads where there are many items.
LMTX_API Distinct find_distinct(std::span<const std::string_view> items);

// `rows` [items, dim] has those of `distinct.first`; fills in the others.
LMTX_API void copy_rows(const Distinct& distinct, float* rows, int64_t dim);

}  // namespace lmtx::detail
