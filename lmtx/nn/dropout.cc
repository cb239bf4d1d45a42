#include "lmtx/nn/dropout.h"

#include <ATen/Context.h>
#include <ATen/ops/empty_like.h>

#include <mutex>
#include <stdexcept>
#include <string>

#include "lmtx/detail/random.h"

namespace lmtx {
namespace {

// A generator of our own: the default one is shared by the whole process, so its draws depend on whoever drew before, and a step that is computed
// again (after a kill, or a second time to save memory) would get other masks.
at::Generator keyed_generator(uint64_t key, at::Device device) {
  at::Generator shared = at::globalContext().defaultGenerator(device);
  at::Generator own = [&] {
    const std::lock_guard<std::mutex> lock(shared.mutex());
    return shared.clone();
  }();
  // torch keeps 32 bits of a seed on the CPU; after mixing all bits of the key are in them.
  own.set_current_seed(detail::mix(key));
  return own;
}

}  // namespace

Dropout::Dropout(uint64_t key, at::Device device) : generator_(keyed_generator(key, device)) {}

at::Tensor Dropout::operator()(const at::Tensor& x, double p) {
  if (!(p >= 0 && p < 1)) throw std::invalid_argument("`p` of dropout must be in [0, 1), but is " + std::to_string(p) + " instead.");
  if (p == 0) return x;
  const double keep = 1 - p;
  const at::Tensor mask = at::empty_like(x, at::MemoryFormat::Contiguous);
  return x.mul(mask.bernoulli_(keep, generator_).div_(keep));
}

}  // namespace lmtx
