// AVX-512 with VNNI: Intel servers since 2019, AMD since 2022.
#include "lmtx/nn/cpu/instruction_sets.h"

#ifdef LMTX_X86_KERNELS
#include <immintrin.h>

#pragma GCC diagnostic ignored "-Wpsabi"
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,bmi2")

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

}  // namespace

const Kernels avx512_vnni_kernels = {"AVX-512 VNNI", panel, multiply<DotFloat32>, multiply<DotInt8Vnni>, multiply<DotBfloat16>,
                                     quantize, quantized_zero, to_bfloat16, activate, gate, layer_norm, softmax, rotate};

}  // namespace lmtx::cpu

#pragma GCC pop_options
#endif
