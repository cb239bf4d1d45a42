#include "lmtx/detail/device.h"

#include <c10/util/Exception.h>

#include <stdexcept>

namespace lmtx::detail {
namespace {

[[noreturn]] void refuse(const std::string& name) {
  throw std::invalid_argument("`device` must be \"cpu\", \"cuda\" or \"cuda:N\", but is \"" + name + "\" instead.");
}

}  // namespace

c10::Device parse_device(const std::string& name) {
  if (name == "cpu") return c10::kCPU;
  if (!name.starts_with("cuda")) refuse(name);
#ifdef LMTX_CUDA
  try {
    const c10::Device device(name);
    return device.has_index() ? device : c10::Device(c10::kCUDA, 0);
  } catch (const c10::Error&) {
    refuse(name);
  }
#else
  throw std::invalid_argument("`device` is \"" + name + "\", but this LMTX was built without CUDA; build it with LMTX_CUDA=ON, or use \"cpu\".");
#endif
}

}  // namespace lmtx::detail
