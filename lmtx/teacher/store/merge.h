// Two stores brought together, and compared. Internal.
#pragma once

#include <filesystem>
#include <stop_token>

#include "lmtx/teacher/judgment_store.h"
#include "lmtx/teacher/store/reader.h"

namespace lmtx::detail {

// What JudgmentStore::merge_from and diff do, for two files that are stores of the newest format.
MergeCounts merge_stores(const std::filesystem::path& into, const StoreFile& from, const std::stop_token& stop);
StoreDiff diff_stores(const StoreFile& here, const StoreFile& there, int64_t max_listed, const std::stop_token& stop);

}  // namespace lmtx::detail
