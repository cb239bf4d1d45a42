// Texts from outside, made fit for a one-line message.
#pragma once

#include <string>
#include <string_view>

#include "lmtx/export.h"

namespace lmtx::detail {

// At most `max_bytes` of the text (then "…"), with '?' for control characters and bytes that are no UTF-8.
LMTX_API std::string one_line(std::string_view text, size_t max_bytes);

// The same between backticks.
LMTX_API std::string quote(std::string_view text, size_t max_bytes = 80);

// The place of the first byte that is no UTF-8; npos where there is none.
LMTX_API size_t find_invalid_utf8(std::string_view text);

}  // namespace lmtx::detail
