#include "lmtx/train/training_steps.h"

namespace lmtx {

TrainingSteps::~TrainingSteps() = default;

}  // namespace lmtx
