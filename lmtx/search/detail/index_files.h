// Label indexes in folders; format: docs/formats/label-index.md.
#pragma once

#include <filesystem>

#include "lmtx/search/detail/index_state.h"

namespace lmtx::detail {

void save_index(const IndexState& index, const std::filesystem::path& folder);
IndexState load_index(const std::filesystem::path& folder);

}  // namespace lmtx::detail
