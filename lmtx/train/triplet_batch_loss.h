// The triplet loss of a batch whose i-th right text fits the i-th left one. Internal.
#pragma once

#include <memory>

#include "lmtx/export.h"
#include "lmtx/train/batch_loss.h"
#include "lmtx/train/batch_yeses.h"
#include "lmtx/train/losses.h"

namespace lmtx {

// triplet_loss() of as many right as left texts.
class LMTX_API TripletBatchLoss final : public BatchLoss {
 public:
  TripletBatchLoss(BatchYeses yeses, const TripletLossOptions& options);

  at::Tensor loss(const at::Tensor& left, const at::Tensor& right) const override;
  std::shared_ptr<const BatchLoss> to(at::Device device) const override;
  std::shared_ptr<const BatchLoss> pinned() const override;

 private:
  BatchYeses yeses_;
  TripletLossOptions options_;
};

}  // namespace lmtx
