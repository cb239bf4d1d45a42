// Cards in messages. Internal.
#pragma once

#include <c10/core/Device.h>

#include <string>

#include "lmtx/export.h"

namespace lmtx::cuda {

// "cuda:0 (NVIDIA H200, 139.8 GiB, of which 12.0 GiB are free)"; without the memory where the card does not tell.
LMTX_API std::string describe_card(c10::Device device);

}  // namespace lmtx::cuda
