// A Dense module of a sentence-transformers folder: a product, and an activation, of a text's vector.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "lmtx/detail/json.h"
#include "lmtx/export.h"
#include "lmtx/nn/ops.h"

namespace lmtx {

struct DenseSettings {
  int64_t in = 0;
  int64_t out = 0;
  bool bias = true;
  ops::Activation activation = ops::Activation::tanh;
  // Whether the module's input, or where in != out another product of it, is added to what comes out.
  bool residual = false;

  bool operator==(const DenseSettings&) const = default;
};

// Reads config.json of a module's folder. Throws std::runtime_error naming the file and what is not supported.
LMTX_API DenseSettings read_dense(const std::filesystem::path& module);

LMTX_API detail::Json dense_json(const DenseSettings& settings);

}  // namespace lmtx
