// Which documents each step of a training on all judgments takes, and what is known of them. Internal.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lmtx/detail/digest.h"
#include "lmtx/export.h"
#include "lmtx/train/judged_batch.h"
#include "lmtx/train/judged_document.h"
#include "lmtx/train/options.h"

namespace lmtx {

struct JudgedStep {
  // Rows.
  std::vector<int64_t> documents;
  // Columns, rising.
  std::vector<int64_t> labels;
  std::vector<JudgedRow> rows;
};

// Takes documents that have a positive, or with `judged_documents` "all" any judged label, all of them once an epoch, in an order drawn for each: in batches of
// `batch_size` at most, as few as there must be and as equal as can be. A step's columns are the labels judged for its documents, of each document
// `judged_per_step` at most: then half of them positives, where there are so many. Whatever else is known of a document and those columns counts as well.
// Columns among the first `mask_near` of a document's near labels that are not judged are near. With loss "listwise" a row's list takes `far_labels` of the
// columns that are neither, drawn for each step. A pure function of the judged documents, the options and the cycle. Immutable but for step(), which belongs to
// one thread at a time.
class LMTX_API JudgedPlan {
 public:
  // `judged`, with its targets, outlives this. Throws std::invalid_argument for documents that do not rise, or labels within a document that do not.
  JudgedPlan(std::span<const JudgedDocument> judged, const TrainerOptions& options, int64_t cycle);

  // 0 where there is no such document.
  int64_t num_steps() const { return num_steps_; }
  int64_t num_documents() const { return static_cast<int64_t>(usable_.size()); }
  int64_t documents_with_positive() const { return documents_with_positive_; }
  // From 1.
  JudgedStep step(int64_t t) const;
  // All that steps depend on but the options.
  void add_to(detail::Hasher& key) const;

 private:
  const std::vector<int64_t>& order_of(int64_t epoch) const;
  std::span<const int64_t> places_of(int64_t t) const;
  // Places in the document's labels.
  std::vector<size_t> draw_labels(const JudgedDocument& document, int64_t epoch) const;
  std::vector<int64_t> columns_of(std::span<const JudgedDocument* const> documents, int64_t epoch) const;
  JudgedRow row_of(const JudgedDocument& document, std::span<const int64_t> columns, int64_t t) const;
  std::vector<int64_t> draw_far(const JudgedRow& row, int64_t num_columns, int64_t document, int64_t t) const;

  uint64_t seed_;
  int64_t cycle_, mask_near_, judged_per_step_, far_labels_;
  std::vector<const JudgedDocument*> usable_;
  int64_t documents_with_positive_ = 0, steps_per_epoch_ = 0, num_steps_ = 0;
  mutable int64_t drawn_epoch_ = -1;
  mutable std::vector<int64_t> order_;
};

}  // namespace lmtx
