// Files that stay what they are when a folder is written anew.
#pragma once

#include <filesystem>

namespace lmtx::detail {

// Gives a file a second name, or copies it where the file system has no such thing; makes the folders above. Throws std::runtime_error naming the new path and
// the cause.
void link_file(const std::filesystem::path& from, const std::filesystem::path& to);

// The same for each file that lies in `from`, without those in folders below; nothing where `from` is no folder.
void link_files_of(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace lmtx::detail
