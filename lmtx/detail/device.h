// Devices by name. Internal: no public header includes it.
#pragma once

#include <c10/core/Device.h>

#include <string>

namespace lmtx::detail {

// "cpu", "cuda" (the first card) or "cuda:N". Throws std::invalid_argument, speaking of `device`, for other names, and for cards in builds without CUDA.
c10::Device parse_device(const std::string& name);

}  // namespace lmtx::detail
