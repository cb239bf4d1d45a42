// AVX-512 with VNNI and BF16: Intel servers since 2020 and 2023, AMD since 2022.
#include "lmtx/nn/cpu/instruction_sets.h"

#ifdef LMTX_X86_KERNELS
#include <immintrin.h>

#pragma GCC diagnostic ignored "-Wpsabi"
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16,avx2,fma,bmi2")

namespace lmtx::cpu {
namespace {

using Float = float __attribute__((vector_size(64)));
constexpr int row_block = 8;
constexpr int panel_vectors = 2;
// As dots_vnni.h has it.
constexpr int quantized_zero = 128;

inline Float fma(Float a, Float b, Float c) { return (Float)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c); }

#include "lmtx/nn/cpu/kernels_body.h"
// After the above.
#include "lmtx/nn/cpu/dots_portable.h"
// After both.
#include "lmtx/nn/cpu/dots_vnni.h"

// Two products a step, without rounding between them; numbers below 2^-126 count as zero.
struct DotBfloat16Avx512 : DotBfloat16 {
  static Float add(Float sum, Int a, Int b) { return (Float)_mm512_dpbf16_ps((__m512)sum, (__m512bh)a, (__m512bh)b); }
};

}  // namespace

const Kernels avx512_bf16_kernels = {"AVX-512 VNNI BF16", panel, multiply<DotFloat32>, multiply<DotInt8Vnni>, multiply<DotBfloat16Avx512>,
                                     quantize, quantized_zero, to_bfloat16, activate, gate, layer_norm, softmax, rotate};

}  // namespace lmtx::cpu

#pragma GCC pop_options
#endif
