// How the tokens' vectors become one vector of a text: the Pooling module of a sentence-transformers folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "lmtx/detail/json.h"
#include "lmtx/export.h"
#include "lmtx/nn/pooling_mode.h"

namespace lmtx {

struct Pooling {
  // Vectors by several modes are joined, in this order. At least one.
  std::vector<PoolingMode> modes = {PoolingMode::mean};
  // Whether the tokens of a prompt count.
  bool include_prompt = true;

  // Numbers in a vector, of hidden states of `dim`.
  int64_t pooled_dim(int64_t dim) const { return static_cast<int64_t>(modes.size()) * dim; }
  bool operator==(const Pooling&) const = default;
};

// Reads the configuration of the module in both dialects. Throws std::runtime_error naming the file and the mode that is not supported.
LMTX_API Pooling read_pooling(const std::filesystem::path& file);

// The configuration for hidden states of `dim`: in the classic dialect, unless the modes stand in an order that it cannot express.
LMTX_API detail::Json pooling_json(const Pooling& pooling, int64_t dim);

}  // namespace lmtx
