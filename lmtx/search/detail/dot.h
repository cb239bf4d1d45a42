// The score that counts: a product of two vectors that depends on their numbers and nothing else.
#pragma once

#include <cstdint>

// Compiled for several instruction sets; the loader picks one. Sanitizers run too late for such picks.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define LMTX_FOR_EACH_CPU __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define LMTX_FOR_EACH_CPU
#endif

namespace lmtx::detail {

// Products of float32 are exact in float64 and the order of the sum is fixed, so the result is the same bits on every processor (with fused
// multiply-add or without), for every number of threads, and wherever the vectors lie in a block. A matrix product promises none of that.
double exact_dot(const float* a, const float* b, int64_t dim);

// About the same, faster; the result depends on the processor.
float fast_dot(const float* a, const float* b, int64_t dim);

}  // namespace lmtx::detail
