// AVX2 and FMA (x86-64-v3): Intel since 2013, AMD since 2015.
#include "lmtx/nn/cpu/instruction_sets.h"

#ifdef LMTX_X86_KERNELS
#include <immintrin.h>

#pragma GCC diagnostic ignored "-Wpsabi"
#pragma GCC push_options
#pragma GCC target("avx2,fma,bmi2")

namespace lmtx::cpu {
namespace {

using Float = float __attribute__((vector_size(32)));
constexpr int row_block = 6;
constexpr int panel_vectors = 2;
constexpr int quantized_zero = 0;

inline Float fma(Float a, Float b, Float c) { return (Float)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c); }

#include "lmtx/nn/cpu/kernels_body.h"
// After the above.
#include "lmtx/nn/cpu/dots_portable.h"

// vpmaddubsw takes unsigned times signed bytes and adds two neighbours, cutting off beyond 16 bits; two times 127 * 127 are not beyond.
struct DotInt8Avx2 : DotInt8 {
  static Int splat_group(const std::byte* from) { return Int{} + load_group(from); }
  static Int add(Int sum, Int a, Int b) {
    const __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8((__m256i)a), _mm256_sign_epi8((__m256i)b, (__m256i)a));
    return sum + (Int)_mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
  }
};

}  // namespace

const Kernels avx2_kernels = {"AVX2", panel, multiply<DotFloat32>, multiply<DotInt8Avx2>, multiply<DotBfloat16>,
                              quantize, quantized_zero, to_bfloat16, activate, gate, layer_norm, softmax, rotate};

}  // namespace lmtx::cpu

#pragma GCC pop_options
#endif
