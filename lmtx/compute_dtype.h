// What an encoder's products are computed in.
#pragma once

#include <string_view>

#include "lmtx/export.h"

namespace lmtx {

enum class ComputeDtype {
  float32,
  // Symmetric: a scale for each token, found as it comes, and one for each output of a product's weights.
  int8,
  // Both factors rounded, sums in float32.
  bfloat16,
  // The same, on cards only.
  float16,
};

// "float32", "int8", "bfloat16", "float16".
LMTX_API std::string_view name_of(ComputeDtype dtype);
// Throws std::invalid_argument with the names there are.
LMTX_API ComputeDtype parse_compute_dtype(std::string_view name);

}  // namespace lmtx
