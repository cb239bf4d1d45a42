// Tensors with names, in an order that means something.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <utility>
#include <vector>

namespace lmtx {

using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

}  // namespace lmtx
