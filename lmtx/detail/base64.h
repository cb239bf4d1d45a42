// Bytes written as text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lmtx/export.h"

namespace lmtx::detail {

// The bytes; nothing if `text` is no base64 (with + and /, padded).
LMTX_API std::optional<std::string> decode_base64(std::string_view text);

}  // namespace lmtx::detail
