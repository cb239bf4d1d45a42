// The inner loops of inference on the CPU, compiled for several instruction sets, of which the best that the processor has is taken.
//
// Whatever they compute for a row depends on that row alone: not on the rows beside it, their number, or where a thread's share begins. So vectors are the
// same bits in any batch. Between instruction sets, integers are the same and float32 differs by rounding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "lmtx/export.h"
#include "lmtx/nn/activation.h"

namespace lmtx::cpu {

// rows x columns of A times packed weights B: C = A B + bias + residual. Both factors are read in groups of four bytes: one float32, two bfloat16 or four
// int8 neighbours of the sum.
struct Product {
  // Row-major, `groups` groups a row.
  const std::byte* a = nullptr;
  int64_t a_stride = 0;  // bytes from row to row
  int64_t rows = 0;
  // Panels of Kernels::panel columns; in a panel, for each group its columns one after the other.
  const std::byte* b = nullptr;
  int64_t b_group_stride = 0;  // bytes
  int64_t b_panel_stride = 0;  // bytes
  int64_t columns = 0;
  int64_t groups = 0;
  float* c = nullptr;
  int64_t c_stride = 0;  // numbers
  // [columns], readable up to whole panels; nullptr: none.
  const float* bias = nullptr;
  // rows x columns, may be C itself; nullptr: none.
  const float* residual = nullptr;
  int64_t residual_stride = 0;  // numbers
  // int8 only: a number is (sum - correction) * row scale * column scale. Those of columns are readable up to whole panels.
  const float* row_scales = nullptr;
  const float* column_scales = nullptr;
  const int32_t* corrections = nullptr;
};

struct Kernels {
  const char* name;
  // Columns of packed weights that lie together.
  int64_t panel;

  void (*product_float32)(const Product&);
  void (*product_int8)(const Product&);
  void (*product_bfloat16)(const Product&);

  // The row as int8 in [-127, 127], `zero` added to each, behind it zeros up to whole groups: returns the scale, the largest absolute value / 127.
  float (*quantize)(const float* row, int64_t size, std::byte* out);
  int zero;
  // The row rounded to bfloat16, to nearest even; behind it zeros up to whole groups.
  void (*to_bfloat16)(const float* row, int64_t size, std::byte* out);

  void (*activate)(float* row, int64_t size, Activation activation);
  // out[i] = activation(row[i]) * row[size + i].
  void (*gate)(const float* row, int64_t size, Activation activation, float* out);
  // `bias` may be nullptr, `out` may be `row`.
  void (*layer_norm)(const float* row, int64_t size, const float* weight, const float* bias, float epsilon, float* out);
  // row = softmax(row * scale + bias); `row` is writable and `bias` (nullptr: none) readable up to whole panels.
  void (*softmax)(float* row, int64_t size, float scale, const float* bias);
  // Numbers i and size / 2 + i are turned by angle i of size / 2.
  void (*rotate)(float* row, int64_t size, const float* cosines, const float* sines);
};

// The best that this processor has. Chosen once.
LMTX_API const Kernels& kernels();

// All that this processor has, the best first, the portable ones last: for tests.
LMTX_API const std::vector<const Kernels*>& all_kernels();

}  // namespace lmtx::cpu
