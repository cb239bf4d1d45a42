// Which documents and which of their yeses each step of a training takes. Internal.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lmtx/export.h"
#include "lmtx/train/batch_yeses.h"
#include "lmtx/train/judged_document.h"
#include "lmtx/train/options.h"

namespace lmtx {

// Entry i is a document and one label that fits it.
struct TrainingStep {
  std::vector<int64_t> documents;
  std::vector<int64_t> labels;
  // Columns are the labels.
  BatchYeses yeses;
};

// A pure function of the judged documents, the options and the cycle: step t is the same whenever and however often it is asked for. step() belongs to one
// thread.
class LMTX_API TrainingPlan {
 public:
  // Throws std::invalid_argument for documents that do not rise, or labels within a document that do not.
  TrainingPlan(std::span<const JudgedDocument> judged, const TrainerOptions& options, int64_t cycle);

  // 0 where no document has a yes.
  int64_t num_steps() const { return num_steps_; }
  int64_t documents_with_yes() const { return static_cast<int64_t>(documents_.size()); }
  // Documents with a yes that an epoch leaves out.
  int64_t documents_left_over() const { return documents_with_yes() - steps_per_epoch_ * batch_size_; }
  // From 1.
  TrainingStep step(int64_t t) const;

  const std::vector<int64_t>& documents() const { return documents_; }
  // Of the i-th document, by rising number.
  std::span<const int64_t> yeses(int64_t i) const { return {yeses_.data() + offsets_[i], static_cast<size_t>(offsets_[i + 1] - offsets_[i])}; }

 private:
  // Places in documents_, in the order of an epoch.
  const std::vector<int64_t>& order_of(int64_t epoch) const;

  uint64_t seed_;
  int64_t cycle_, batch_size_ = 0, steps_per_epoch_ = 0, num_steps_ = 0;
  // Documents that have a yes, and their yeses: those of the i-th are yeses_[offsets_[i], offsets_[i + 1]).
  std::vector<int64_t> documents_, yeses_, offsets_{0};
  // The epoch that was asked for last; drawing its order takes longer than a step's share.
  mutable int64_t drawn_epoch_ = -1;
  mutable std::vector<int64_t> order_;
};

}  // namespace lmtx
