// Steps of MACLR's first stage: titles against contents, with clusters and labels at random (Xiong et al., NAACL 2022). Internal.
#pragma once

#include <cstdint>
#include <vector>

#include "lmtx/export.h"
#include "lmtx/train/options.h"
#include "lmtx/train/token_file.h"
#include "lmtx/train/training_steps.h"

namespace lmtx {

struct TitleTexts {
  // Sequence i of both is of document documents[i], by rising number.
  TokenFile titles, contents;
  std::vector<int64_t> documents;
  TokenFile labels;
  // To draw from: of those that read alike one.
  std::vector<int64_t> label_numbers;
  // Tokens at the start of each text that are left out of its vector.
  int64_t unpooled = 0;
};

// A stretch of the steps of the whole stage.
struct TitleStepsPart {
  // Sequences to learn from, by rising place.
  std::vector<int64_t> places;
  // The cluster of each of `places`; empty: each is its own.
  std::vector<int64_t> clusters;
  // Steps of the stage before it, and its own.
  int64_t first_step = 0;
  int64_t num_steps = 0;
};

// Steps of the whole stage for so many documents: options.epochs passes, by up to max_epochs at least options.steps, and, unless that is 0, at most max_steps.
LMTX_API int64_t num_title_steps(int64_t documents, const TrainerOptions& options);

// A step takes batch_size documents, in an order drawn per pass, and random_labels labels. Left are the contents; right the titles, the contents once more, and
// the labels.
class LMTX_API TitleSteps final : public TrainingSteps {
 public:
  // `texts` and `options` outlive this.
  TitleSteps(const TitleTexts& texts, TitleStepsPart part, const TrainerOptions& options);

  int64_t num_steps() const override { return part_.num_steps; }
  TrainingBatch batch(int64_t t) const override;
  void add_to(detail::Hasher& key) const override;

 private:
  std::vector<int64_t> draw_labels(int64_t step) const;
  const std::vector<int64_t>& order_of(int64_t epoch) const;

  const TitleTexts& texts_;
  const TitleStepsPart part_;
  const TrainerOptions& options_;
  int64_t batch_size_ = 0, steps_per_epoch_ = 0;
  // The epoch that was asked for last.
  mutable int64_t drawn_epoch_ = -1;
  mutable std::vector<int64_t> order_;
};

}  // namespace lmtx
