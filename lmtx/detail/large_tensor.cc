#include "lmtx/detail/large_tensor.h"

#include <ATen/ops/empty.h>
#include <sys/mman.h>

#include <cstdint>

namespace lmtx::detail {

at::Tensor empty_rows(int64_t num_rows, int64_t dim) {
  at::Tensor rows = at::empty({num_rows, dim}, at::TensorOptions().dtype(at::kFloat));
#ifdef MADV_HUGEPAGE
  constexpr uintptr_t page = uintptr_t{1} << 21;
  const auto address = reinterpret_cast<uintptr_t>(rows.mutable_data_ptr());
  const uintptr_t begin = (address + page - 1) & ~(page - 1), end = (address + rows.nbytes()) & ~(page - 1);
  // Advice: where the system does not follow it, all is as before.
  if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
#endif
  return rows;
}

}  // namespace lmtx::detail
