#include "data.h"

namespace lmtx::test {

std::filesystem::path data_folder() { return LMTX_TEST_DATA; }
std::filesystem::path formats_folder() { return data_folder().parent_path() / "formats"; }

}  // namespace lmtx::test
