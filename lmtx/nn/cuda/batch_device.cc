#include "lmtx/nn/cuda/batch_device.h"

#include <ATen/cuda/CUDAContext.h>
#include <ATen/cuda/CUDAEvent.h>
#include <ATen/ops/empty.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/util/Exception.h>

#include <string>
#include <utility>

#include "lmtx/nn/cuda/describe_card.h"
#include "lmtx/nn/ops.h"

namespace lmtx::cuda {
namespace {

// Vectors on their way to the host.
class Copy final : public detail::PendingRows {
 public:
  // `vectors` were computed on the current stream.
  Copy(at::Tensor vectors, const c10::cuda::CUDAStream& copies)
      : vectors_(std::move(vectors)),
        rows_(at::empty(vectors_.sizes(), at::TensorOptions().dtype(at::kFloat).pinned_memory(true))),
        arrived_(cudaEventDisableTiming | cudaEventBlockingSync) {
    at::cuda::CUDAEvent computed;
    computed.record();
    computed.block(copies);
    const c10::cuda::CUDAStreamGuard on_copies(copies);
    rows_.copy_(vectors_, /*non_blocking=*/true);
    arrived_.record(copies);
  }

  ~Copy() override {
    try {
      arrived_.synchronize();
    } catch (...) {  // A broken card has told so, or will.
    }
  }

  const float* wait() override {
    arrived_.synchronize();
    return rows_.const_data_ptr<float>();
  }

 private:
  // Kept until the copy is done: the allocator knows the stream of the computation only.
  const at::Tensor vectors_;
  at::Tensor rows_;
  at::cuda::CUDAEvent arrived_;
};

}  // namespace

BatchDevice::BatchDevice(Forward forward, at::Device device, const BatchDeviceOptions& options)
    : forward_(std::move(forward)), device_(device), options_(options), copies_(c10::cuda::getStreamFromPool(/*isHighPriority=*/true, device.index())) {}

std::unique_ptr<detail::PendingRows> BatchDevice::start(std::span<const detail::Sequence> batch, const std::stop_token& stop) {
  const c10::cuda::CUDAGuard on_card(device_);
  try {
    return compute(batch, stop);
  } catch (const c10::OutOfMemoryError&) {
  }
  // Here, where nothing of the batch is kept any more.
  c10::cuda::CUDACachingAllocator::emptyCache();
  throw detail::DeviceFull(describe_card(device_));
}

std::unique_ptr<detail::PendingRows> BatchDevice::compute(std::span<const detail::Sequence> batch, const std::stop_token& stop) const {
  TokenBatch tokens = pack(batch, device_);
  tokens.unpooled = options_.unpooled;
  at::Tensor vectors = forward_(tokens, stop);
  if (options_.normalize) vectors = ops::normalize(vectors);
  return std::make_unique<Copy>(vectors.to(at::kFloat).contiguous(), copies_);
}

void wait_for_current_stream(at::Device device) { c10::cuda::getCurrentCUDAStream(device.index()).synchronize(); }

}  // namespace lmtx::cuda
