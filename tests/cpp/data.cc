#include "data.h"

namespace lmtx::test {

std::filesystem::path data_folder() { return LMTX_TEST_DATA; }

}  // namespace lmtx::test
