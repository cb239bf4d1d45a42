// Numbers as Hugging Face's `tokenizers` reads them from JSON.
#pragma once

#include <string_view>

#include "lmtx/export.h"

namespace lmtx::detail {

// A number of JSON, by the arithmetic of the parser behind `tokenizers` (serde_json): up to 19 digits times or divided by a power of ten, which may be one
// unit in the last place away from the nearest double. Scores must be the same to the last bit, or else equal sums differ.
LMTX_API double serde_number(std::string_view text);

}  // namespace lmtx::detail
