// Steps on pairs of texts: in-batch softmax from left to right. Internal.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "lmtx/export.h"
#include "lmtx/train/training_steps.h"
#include "lmtx/train/unsupervised/pair_source.h"

namespace lmtx {

struct PairStepsOptions {
  int64_t epochs = 1;
  int64_t batch_size = 128;
  double temperature = 0.05;
  bool mask_duplicates = true;
  uint64_t seed = 0;
  // Names the training among those of the run: part of the keys of all draws.
  std::string name = {};
  // Tokens at the start of each text that are left out of its vector.
  int64_t unpooled = 0;
};

// Each epoch takes its pairs in an order of its own; the last short batch is dropped unless it is the only one.
class LMTX_API PairSteps final : public TrainingSteps {
 public:
  PairSteps(std::shared_ptr<const PairSource> pairs, PairStepsOptions options);

  int64_t num_steps() const override { return first_steps_.back(); }
  TrainingBatch batch(int64_t t) const override;
  void add_to(detail::Hasher& key) const override;

 private:
  std::shared_ptr<const PairSource> pairs_;
  PairStepsOptions options_;
  // Steps before each epoch, and of all.
  std::vector<int64_t> first_steps_{0};
  // The epoch that was asked for last.
  mutable int64_t drawn_epoch_ = -1;
  mutable std::vector<int64_t> order_;
};

}  // namespace lmtx
