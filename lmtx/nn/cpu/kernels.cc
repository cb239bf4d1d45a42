#include "lmtx/nn/cpu/kernels.h"

#include "lmtx/nn/cpu/instruction_sets.h"

namespace lmtx::cpu {

const std::vector<const Kernels*>& all_kernels() {
  static const std::vector<const Kernels*> found = [] {
    std::vector<const Kernels*> found;
#ifdef LMTX_X86_KERNELS
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
    const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                        __builtin_cpu_supports("avx512vl");
    const bool vnni = avx512 && __builtin_cpu_supports("avx512vnni");
    if (vnni && __builtin_cpu_supports("avx512bf16")) found.push_back(&avx512_bf16_kernels);
    if (vnni) found.push_back(&avx512_vnni_kernels);
    if (avx512) found.push_back(&avx512_kernels);
    if (avx2) found.push_back(&avx2_kernels);
#endif
    found.push_back(&portable_kernels);
    return found;
  }();
  return found;
}

const Kernels& kernels() { return *all_kernels().front(); }

}  // namespace lmtx::cpu
