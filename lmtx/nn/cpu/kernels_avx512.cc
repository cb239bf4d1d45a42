// AVX-512 with F, BW, DQ and VL (x86-64-v4): Intel servers since 2017. Without integer dots; the others add those.
#include "lmtx/nn/cpu/instruction_sets.h"

#ifdef LMTX_X86_KERNELS
#include <immintrin.h>

#pragma GCC diagnostic ignored "-Wpsabi"
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi2")

namespace lmtx::cpu {
namespace {

using Float = float __attribute__((vector_size(64)));
constexpr int row_block = 8;
constexpr int panel_vectors = 2;
constexpr int quantized_zero = 0;

inline Float fma(Float a, Float b, Float c) { return (Float)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c); }

#include "lmtx/nn/cpu/kernels_body.h"
// After the above.
#include "lmtx/nn/cpu/dots_portable.h"

// vpmaddubsw as in kernels_avx2.cc; there is no vpsignb, so that signs are changed by mask.
struct DotInt8Avx512 : DotInt8 {
  static Int splat_group(const std::byte* from) { return Int{} + load_group(from); }
  static Int add(Int sum, Int a, Int b) {
    const __m512i factor = (__m512i)b;
    const __m512i with_sign = _mm512_mask_sub_epi8(factor, _mm512_movepi8_mask((__m512i)a), _mm512_setzero_si512(), factor);
    const __m512i pairs = _mm512_maddubs_epi16(_mm512_abs_epi8((__m512i)a), with_sign);
    return sum + (Int)_mm512_madd_epi16(pairs, _mm512_set1_epi16(1));
  }
};

}  // namespace

const Kernels avx512_kernels = {"AVX-512", panel, multiply<DotFloat32>, multiply<DotInt8Avx512>, multiply<DotBfloat16>,
                                quantize, quantized_zero, to_bfloat16, activate, gate, layer_norm, softmax, rotate};

}  // namespace lmtx::cpu

#pragma GCC pop_options
#endif
