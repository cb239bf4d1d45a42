#include "lmtx/train/batch_loss.h"

namespace lmtx {

BatchLoss::~BatchLoss() = default;

}  // namespace lmtx
