// What a step lowers: a function of the vectors of its texts. Internal.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

#include "lmtx/export.h"

namespace lmtx {

// The loss of one batch, with all that it needs besides the vectors (which texts belong together, targets, weights). Immutable, so that it is shared.
class LMTX_API BatchLoss {
 public:
  virtual ~BatchLoss();

  // left: [B, dim], right: [C, dim], unit rows, float32 or (on the CPU) float64, on the device that this was moved to. Returns a finite scalar that is
  // differentiable in both, once. Nothing waits for a card. Rows are those of the batch, in its order.
  virtual at::Tensor loss(const at::Tensor& left, const at::Tensor& right) const = 0;

  // The same with its tensors on `device`; nothing waits where they are pinned.
  virtual std::shared_ptr<const BatchLoss> to(at::Device device) const = 0;
  // The same with its tensors, which are on the CPU, in pinned memory.
  virtual std::shared_ptr<const BatchLoss> pinned() const = 0;
};

}  // namespace lmtx
