// For processors that nothing is written for: vectors of 16 bytes, which every compiler makes the best of.
#include "lmtx/nn/cpu/instruction_sets.h"

#pragma GCC diagnostic ignored "-Wpsabi"

namespace lmtx::cpu {
namespace {

using Float = float __attribute__((vector_size(16)));
constexpr int row_block = 6;
constexpr int panel_vectors = 2;
constexpr int quantized_zero = 0;

inline Float fma(Float a, Float b, Float c) { return a * b + c; }

#include "lmtx/nn/cpu/kernels_body.h"
// After the above.
#include "lmtx/nn/cpu/dots_portable.h"

}  // namespace

const Kernels portable_kernels = {"portable", panel, multiply<DotFloat32>, multiply<DotInt8>, multiply<DotBfloat16>,
                                  quantize, quantized_zero, to_bfloat16, activate, gate, layer_norm, softmax, rotate};

}  // namespace lmtx::cpu
