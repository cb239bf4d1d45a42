// A teacher's judgments as recorded verdicts. Internal.
#pragma once

#include <string>

#include "lmtx/teacher/store/reader.h"

namespace lmtx::detail {

// The text that JudgmentStore::export_recording writes to `file`.
std::string recording_of(StoreReader& reader, const std::string& identity, const std::filesystem::path& file);

}  // namespace lmtx::detail
