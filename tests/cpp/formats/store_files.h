// A store of judgments of the newest format, and the same as JSON lines: for golden files, and for files to be damaged.
#pragma once

#include <filesystem>

#include "lmtx/detail/json.h"

namespace lmtx::test {

namespace fs = std::filesystem;

// Makes `judgments.db` and `judgments.jsonl` in `folder`.
void make_store_files(const fs::path& folder);

// What they say. Both may be written beside.
detail::Json read_store_file(const fs::path& file);
detail::Json read_judgment_lines(const fs::path& file);

}  // namespace lmtx::test
