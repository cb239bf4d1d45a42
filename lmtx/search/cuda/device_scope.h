// Work for one card. Internal.
#pragma once

#include <c10/core/Device.h>
#include <c10/cuda/CUDAGuard.h>

#include "lmtx/search/cuda/kernels.h"

namespace lmtx::cuda {

// While it lives, this thread's allocations, streams and kernels are the device's. LMTX has a CUDA runtime of its own beside torch's; both are told.
class DeviceScope {
 public:
  explicit DeviceScope(c10::Device device) : guard_(device) { use_device(device.index()); }

 private:
  c10::cuda::CUDAGuard guard_;
};

}  // namespace lmtx::cuda
