// The labels of a task, searchable by embedding.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "lmtx/event.h"
#include "lmtx/export.h"
#include "lmtx/search/label_filter.h"

namespace lmtx {

struct LabelIndexOptions {
  // Scale rows to unit length, so that scores are cosines (queries are never scaled; rows of zeros stay zero).
  bool normalize = true;
  // "exact", or "hnsw" (approximate, through FAISS; builds with LMTX_FAISS only).
  std::string method = "exact";
};

// What an index takes of a card.
struct CardOptions {
  // Bytes of the card's memory that label vectors may take; those that do not fit are copied to the card block by block in every search (at least two blocks of
  // 64 rows). 0: what is free, but for a part that is left for searches and others.
  int64_t memory_limit = 0;
};

// On the device of the queries.
struct LabelMatches {
  // int64 [num_queries, k]: label numbers, best first; -1 where fewer than k labels match.
  at::Tensor labels;
  // float32 [num_queries, k]: score plus bias; -infinity where labels is -1.
  at::Tensor scores;
};

// Vectors and whose they are.
struct LabelRows {
  // float32 [num_rows, dim], on the CPU.
  at::Tensor rows;
  // [num_rows]: label numbers.
  std::vector<int64_t> owners;
};

// Rows are owned by label numbers: a label may own several, the best counts. Each label may carry a bias that is added before top-k; removed
// labels are tombstones. An immutable value made of segments that new values share; cheap to copy; const methods may be called from several threads.
class LMTX_API LabelIndex {
 public:
  // Row i of `rows`, float32 [num_rows, dim], belongs to label owners[i] (>= 0). Rows are copied.
  // Throws std::invalid_argument for another dtype or shape, a negative owner, or a row that is not finite.
  static LabelIndex build(const at::Tensor& rows, std::span<const int64_t> owners, const LabelIndexOptions& options = {});
  // Row i belongs to label i.
  static LabelIndex build(const at::Tensor& rows, const LabelIndexOptions& options = {});

  // The k best labels for each row of `queries`, float32 [num_queries, dim], best first; equal scores by falling preference for the smaller label
  // number. Exact search takes memory for one block of scores, whatever the number of labels and queries. Its scores are the same bits for equal rows
  // and queries, wherever they lie and whatever the number of threads (docs/search.md). Queries may lie on a card. Reports progress in queries as the stage
  // "search".
  // Throws std::invalid_argument for another dtype or shape, k < 1, or a query that is not finite; Stopped on request; std::runtime_error where a card
  // has too little memory.
  LabelMatches search(const at::Tensor& queries, int64_t k, const LabelFilter& filter = {}, const EventCallback& on_event = {},
                      std::stop_token stop = {}) const;

  // New values. Added rows of a removed label bring it back with those rows only.
  // All throw std::invalid_argument as build() does, and std::out_of_range for a label to be removed or biased that has no rows.
  LabelIndex with_added(const at::Tensor& rows, std::span<const int64_t> owners) const;
  LabelIndex with_removed(std::span<const int64_t> labels) const;
  // biases[i] is added to every score of labels[i], instead of a bias that it had; it goes away when the label is removed.
  LabelIndex with_bias(std::span<const int64_t> labels, std::span<const float> biases) const;
  // One segment, without the rows of removed labels.
  LabelIndex compact() const;

  // The same index, searched on a device: "cpu", "cuda" (the first card) or "cuda:N". The rows are copied to a card (all of them stay in main memory, too), and
  // indexes made from the result stay there and share the copies. A card finds the same labels and scores as exact search on the CPU, bit for bit, for
  // method "hnsw", too (docs/search.md). Throws std::invalid_argument for another name and for a card in a build without CUDA, std::runtime_error where there
  // is no such card.
  LabelIndex to(const std::string& device, const CardOptions& options = {}) const;

  // A folder: a manifest and one file a segment; segments already there are not written again. It is there whole or not at all.
  // Format: docs/formats/label-index.md.
  void save(const std::filesystem::path& folder) const;
  // Throws std::runtime_error naming the file and the fault (missing, truncated, damaged, newer format).
  static LabelIndex load(const std::filesystem::path& folder);

  // A copy of the rows of all labels that can be found, without biases, in the order in which they were added.
  LabelRows rows() const;
  // Whether the label can be found.
  bool contains(int64_t label) const;

  int64_t dim() const;
  // Labels that can be found.
  int64_t num_labels() const;
  // Rows kept, those of removed labels included.
  int64_t num_rows() const;
  int64_t num_segments() const;
  // The largest label number that ever had rows here (before compact()); -1 without any.
  int64_t max_label() const;
  const LabelIndexOptions& options() const;
  // "cpu" or "cuda:N".
  const std::string& device() const;

 private:
  struct Impl;
  explicit LabelIndex(std::shared_ptr<const Impl> impl);
  std::shared_ptr<const Impl> impl_;
};

}  // namespace lmtx
