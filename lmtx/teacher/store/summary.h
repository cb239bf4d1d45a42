// What is in a store, in numbers. Internal.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lmtx/teacher/store/reader.h"

namespace lmtx::detail {

UsageTotals usage_of(StoreReader& reader, const std::optional<std::string>& identity, const std::optional<std::string>& run);
std::vector<TeacherSummary> teachers_of(StoreReader& reader);

}  // namespace lmtx::detail
