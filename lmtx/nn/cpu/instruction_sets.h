// The kernels of each instruction set that the compiler can make code for. Internal.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lmtx/nn/cpu/kernels.h"

// Clang has another pragma; there the portable ones are all there is.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define LMTX_X86_KERNELS
#endif

namespace lmtx::cpu {

extern const Kernels portable_kernels;
#ifdef LMTX_X86_KERNELS
extern const Kernels avx2_kernels;
extern const Kernels avx512_kernels;
extern const Kernels avx512_vnni_kernels;
extern const Kernels avx512_bf16_kernels;
#endif

}  // namespace lmtx::cpu
