// Which LMTX this is, and what it was built with.
#pragma once

#include "lmtx/export.h"

namespace lmtx {

// "0.1.0"; the one version number, kept in CMakeLists.txt.
LMTX_API const char* version();
// The torch that the headers came from, such as "2.13.0+cpu". Another one at run time may not fit.
LMTX_API const char* built_with_torch();

}  // namespace lmtx
