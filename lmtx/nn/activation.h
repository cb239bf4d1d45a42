// The functions that networks put behind products.
#pragma once

namespace lmtx {

enum class Activation { identity, gelu, gelu_tanh, relu, silu, tanh, sigmoid };

}  // namespace lmtx
