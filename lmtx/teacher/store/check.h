// Everything that may be wrong with a store. Internal.
#pragma once

#include <filesystem>
#include <stop_token>

#include "lmtx/teacher/judgment_store.h"
#include "lmtx/teacher/store/reader.h"

namespace lmtx::detail {

// What JudgmentStore::check does.
StoreCheck check_store(const StoreFile& store, const std::stop_token& stop);

}  // namespace lmtx::detail
