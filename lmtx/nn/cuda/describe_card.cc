#include "lmtx/nn/cuda/describe_card.h"

#include <ATen/cuda/CUDAContextLight.h>
#include <c10/cuda/CUDAGuard.h>
#include <cuda_runtime_api.h>

#include <cstdio>

namespace lmtx::cuda {
namespace {

std::string gibibytes(size_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f GiB", static_cast<double>(bytes) / (1 << 30));
  return text;
}

}  // namespace

std::string describe_card(c10::Device device) {
  const c10::cuda::CUDAGuard on_card(device);
  size_t free = 0, total = 0;
  const bool known = cudaMemGetInfo(&free, &total) == cudaSuccess;
  const std::string memory = known ? ", " + gibibytes(total) + ", of which " + gibibytes(free) + " are free" : "";
  return device.str() + " (" + at::cuda::getDeviceProperties(device.index())->name + memory + ")";
}

}  // namespace lmtx::cuda
