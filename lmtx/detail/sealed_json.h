// JSON files of ours that carry a checksum. Internal: no public header includes it.
#pragma once

#include <filesystem>
#include <string>

#include "lmtx/detail/json.h"
#include "lmtx/export.h"

namespace lmtx::detail {

// The object with a last member `checksum`: 32 hexadecimal digits of BLAKE2b over the rest, as compact JSON with the members in their order. So the meaning is
// covered and the layout is not.
LMTX_API Json sealed(Json object);
// Throws std::runtime_error naming the file where the object is not what was sealed. One without `checksum` was written before there were any, and passes.
LMTX_API void check_seal(const Json& object, const std::string& place);

// Of a file's bytes, 32 hexadecimal digits of BLAKE2b. Throws std::runtime_error naming the file.
LMTX_API std::string file_checksum(const std::filesystem::path& file);
// {"config.json": "…", "1_Pooling/config.json": "…"}: the checksum of each file in `folder` and the folders below it, by its path in there, sorted.
LMTX_API Json folder_checksums(const std::filesystem::path& folder);
// Throws std::runtime_error naming the first file that is missing or not what it was. `checksums` may be null (written before there were any); `place` is the
// file that it stands in. Files that it does not name are no matter.
LMTX_API void check_folder(const std::filesystem::path& folder, const Json& checksums, const std::string& place);

}  // namespace lmtx::detail
