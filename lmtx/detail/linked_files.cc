#include "lmtx/detail/linked_files.h"

#include <system_error>

#include "lmtx/detail/files.h"

namespace lmtx::detail {

namespace fs = std::filesystem;

void link_file(const fs::path& from, const fs::path& to) {
  make_folder(to.parent_path());
  std::error_code error;
  fs::create_hard_link(from, to, error);
  if (!error) return;
  write_file_atomically(to, read_file(from));
}

void link_files_of(const fs::path& from, const fs::path& to) {
  if (!fs::is_directory(from)) return;
  for (const fs::directory_entry& entry : fs::directory_iterator(from)) {
    if (entry.is_regular_file()) link_file(entry.path(), to / entry.path().filename());
  }
}

}  // namespace lmtx::detail
