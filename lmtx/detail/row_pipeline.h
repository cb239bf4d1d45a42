// Token sequences to rows of vectors by a device that goes on by itself: a card. Internal: no public header includes it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <stop_token>
#include <vector>

#include "lmtx/detail/row_writer.h"
#include "lmtx/event.h"
#include "lmtx/export.h"
#include "lmtx/text/tokenizer.h"

namespace lmtx::detail {

using Sequence = std::span<const int32_t>;

// Thrown by a device whose memory is too small for a batch; the text names it and its memory: "cuda:0 (NAME, 80 GiB, of which 1 GiB is free)".
class LMTX_API DeviceFull : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class BatchDevice {
 public:
  virtual ~BatchDevice() = default;
  // Begins to compute a vector for each sequence, and waits for nothing. The tokens are read before it returns. Throws DeviceFull, after which it can go on.
  virtual std::unique_ptr<PendingRows> start(std::span<const Sequence> batch, const std::stop_token& stop) = 0;
};

// Some sequences, and the row of each.
struct TokenBlock {
  // What they lie in, where nobody else keeps it.
  RaggedTokens tokens;
  std::vector<Sequence> sequences;
  std::span<const int64_t> rows;
};

struct RowPipelineOptions {
  // Tokens a batch.
  int64_t token_budget = 4096;
  // Sequences a batch; 0: no limit.
  int64_t max_sequences = 0;
  // Rows in all, for progress.
  int64_t total = 0;
  // Batches that the device has at once, so that it need not wait for the next while one is written.
  int64_t in_flight = 6;
};

// Belongs to one thread.
class LMTX_API RowPipeline {
 public:
  // Into `rows`, float32 [any, dim]. What is referred to must outlive it.
  RowPipeline(BatchDevice& device, float* rows, int64_t dim, const RowPipelineOptions& options, EventCallback on_event);

  // Starts the batches of a block, the longest sequences first. Where the device's memory is full, batches become half as large from there on, and a notice
  // says so. Throws std::runtime_error where it cannot hold a single sequence, what a batch before threw, and lmtx::Stopped on request.
  void add(const TokenBlock& block, const std::stop_token& stop);
  // Waits until all rows are written.
  void finish();

 private:
  void start(const TokenBlock& block, std::span<const int64_t> positions, const std::stop_token& stop);
  void shrink(const TokenBlock& block, std::span<const int64_t> positions, const DeviceFull& full, const std::stop_token& stop);
  void halve(const TokenBlock& block, std::span<const int64_t> positions, const std::stop_token& stop);
  void report();

  BatchDevice& device_;
  const RowPipelineOptions options_;
  const EventCallback on_event_;
  int64_t token_budget_;
  int64_t reported_ = -1;
  RowWriter writer_;
};

}  // namespace lmtx::detail
