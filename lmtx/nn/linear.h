// A product with its weights, as models keep it.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "lmtx/nn/weights.h"

namespace lmtx {

struct Linear {
  at::Tensor weight;  // [out, in]
  at::Tensor bias;    // [out]; undefined: none
};

// NAME.weight and, with `bias`, NAME.bias.
inline Linear take_linear(Weights& weights, const std::string& name, int64_t in, int64_t out, bool bias) {
  Linear linear;
  linear.weight = weights.take(name + ".weight", {out, in});
  if (bias) linear.bias = weights.take(name + ".bias", {out});
  return linear;
}

}  // namespace lmtx
