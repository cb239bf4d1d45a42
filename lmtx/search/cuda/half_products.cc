#include "lmtx/search/cuda/half_products.h"

#include <ATen/Context.h>

#include <mutex>

namespace lmtx::cuda {
namespace {

struct Setting {
  std::mutex mutex;
  int users = 0;
  at::CuBLASReductionOption reduction{};
  bool half_sums = false;
};

Setting& setting() {
  static Setting setting;
  return setting;
}

}  // namespace

ExactHalfSums::ExactHalfSums() {
  Setting& shared = setting();
  const std::lock_guard lock(shared.mutex);
  if (shared.users++ > 0) return;
  at::Context& context = at::globalContext();
  shared.reduction = context.allowFP16ReductionCuBLAS();
  shared.half_sums = context.allowFP16AccumulationCuBLAS();
  if (shared.reduction == at::CuBLASReductionOption::AllowReducedPrecisionWithSplitK) context.setAllowFP16ReductionCuBLAS(false);
  if (shared.half_sums) context.setAllowFP16AccumulationCuBLAS(false);
}

ExactHalfSums::~ExactHalfSums() {
  Setting& shared = setting();
  const std::lock_guard lock(shared.mutex);
  if (--shared.users > 0) return;
  at::Context& context = at::globalContext();
  if (shared.reduction == at::CuBLASReductionOption::AllowReducedPrecisionWithSplitK) context.setAllowFP16ReductionCuBLAS(true);
  if (shared.half_sums) context.setAllowFP16AccumulationCuBLAS(true);
}

}  // namespace lmtx::cuda
