#include "lmtx/train/triplet_batch_loss.h"

#include <utility>

namespace lmtx {

TripletBatchLoss::TripletBatchLoss(BatchYeses yeses, const TripletLossOptions& options) : yeses_(std::move(yeses)), options_(options) {}

at::Tensor TripletBatchLoss::loss(const at::Tensor& left, const at::Tensor& right) const { return triplet_loss(left, right, yeses_, options_); }

// Looked at where the loss is computed.
std::shared_ptr<const BatchLoss> TripletBatchLoss::to(at::Device device) const {
  return std::make_shared<TripletBatchLoss>(device.is_cpu() ? yeses_ : yeses_.to(device), options_);
}

std::shared_ptr<const BatchLoss> TripletBatchLoss::pinned() const {
  BatchYeses yeses = yeses_;
  yeses.pin_memory();
  return std::make_shared<TripletBatchLoss>(std::move(yeses), options_);
}

}  // namespace lmtx
