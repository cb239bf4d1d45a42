// The sentences of a text, as simple as training needs them. Internal.
#pragma once

#include <string_view>
#include <vector>

#include "lmtx/export.h"

namespace lmtx {

// In their order, white space behind them included: together they are the text. A sentence ends behind `.`, `!` or `?` where white space follows, and at a line
// break.
LMTX_API std::vector<std::string_view> split_sentences(std::string_view text);

}  // namespace lmtx
