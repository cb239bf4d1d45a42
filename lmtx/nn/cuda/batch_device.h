// A card as a pipeline of batches has it. Internal: no public header includes it.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/cuda/CUDAStream.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>

#include "lmtx/detail/row_pipeline.h"
#include "lmtx/text/token_batch.h"

namespace lmtx::cuda {

// float32 [n, dim] on the card, before normalization.
using Forward = std::function<at::Tensor(const TokenBatch& batch, const std::stop_token& stop)>;

struct BatchDeviceOptions {
  // Of each batch, as TokenBatch has it.
  int64_t unpooled = 0;
  // Scale vectors to unit length.
  bool normalize = false;
};

// Computes on the current stream of the card, and copies vectors to the host on another, into pinned memory. Belongs to one thread.
class BatchDevice final : public detail::BatchDevice {
 public:
  BatchDevice(Forward forward, at::Device device, const BatchDeviceOptions& options);
  std::unique_ptr<detail::PendingRows> start(std::span<const detail::Sequence> batch, const std::stop_token& stop) override;

 private:
  std::unique_ptr<detail::PendingRows> compute(std::span<const detail::Sequence> batch, const std::stop_token& stop) const;

  const Forward forward_;
  const at::Device device_;
  const BatchDeviceOptions options_;
  const c10::cuda::CUDAStream copies_;
};

// Until what was begun on the card's current stream is done.
void wait_for_current_stream(at::Device device);

}  // namespace lmtx::cuda
