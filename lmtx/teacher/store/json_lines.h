// A store as JSON lines. Internal; docs/formats/judgment-lines.md says what they are.
#pragma once

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>

#include "lmtx/teacher/judgment_store.h"
#include "lmtx/teacher/store/reader.h"

namespace lmtx::detail {

// Of the store in `store`, one teacher's or all. Whole or not at all.
void write_judgment_lines(const StoreFile& store, const std::optional<std::string>& identity, const std::filesystem::path& file, const std::stop_token& stop);
// Throws std::runtime_error naming file and line, before anything is put in, for what is wrong.
MergeCounts read_judgment_lines(const JudgmentStore& store, const std::filesystem::path& file, const std::stop_token& stop);

}  // namespace lmtx::detail
