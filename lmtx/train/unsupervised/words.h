// The words of a text: what stands between white space. Internal.
#pragma once

#include <string_view>
#include <vector>

#include "lmtx/export.h"

namespace lmtx {

// In their order, as parts of `text`. White space is what Unicode calls so.
LMTX_API std::vector<std::string_view> split_words(std::string_view text);

}  // namespace lmtx
