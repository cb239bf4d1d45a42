#include "lmtx/detail/row_pipeline.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "lmtx/detail/with_commas.h"
#include "lmtx/stopped.h"
#include "lmtx/text/token_batch.h"

namespace lmtx::detail {
namespace {

int64_t count_tokens(const TokenBlock& block, std::span<const int64_t> positions) {
  int64_t tokens = 0;
  for (const int64_t position : positions) tokens += static_cast<int64_t>(block.sequences[position].size());
  return tokens;
}

}  // namespace

RowPipeline::RowPipeline(BatchDevice& device, float* rows, int64_t dim, const RowPipelineOptions& options, EventCallback on_event)
    : device_(device), options_(options), on_event_(std::move(on_event)), token_budget_(options.token_budget), writer_(rows, dim, options.in_flight) {
  report();
}

void RowPipeline::add(const TokenBlock& block, const std::stop_token& stop) {
  std::vector<int64_t> lengths;
  lengths.reserve(block.sequences.size());
  for (const Sequence sequence : block.sequences) lengths.push_back(static_cast<int64_t>(sequence.size()));
  for (const std::vector<int64_t>& positions : plan_batches(lengths, token_budget_, options_.max_sequences)) start(block, positions, stop);
}

void RowPipeline::finish() {
  writer_.finish();
  report();
}

void RowPipeline::start(const TokenBlock& block, std::span<const int64_t> positions, const std::stop_token& stop) {
  check_stop(stop);
  if (positions.size() > 1 && count_tokens(block, positions) > token_budget_) return halve(block, positions, stop);  // Planned before the budget fell.
  std::vector<Sequence> batch;
  std::vector<int64_t> rows;
  for (const int64_t position : positions) {
    batch.push_back(block.sequences[position]);
    rows.push_back(block.rows[position]);
  }
  std::optional<DeviceFull> full;
  try {
    writer_.put(device_.start(batch, stop), std::move(rows));
  } catch (const DeviceFull& error) {
    full = error;
  }
  if (full) return shrink(block, positions, *full, stop);
  report();
}

void RowPipeline::shrink(const TokenBlock& block, std::span<const int64_t> positions, const DeviceFull& full, const std::stop_token& stop) {
  const int64_t tokens = count_tokens(block, positions);
  if (positions.size() == 1) {
    throw std::runtime_error(std::string(full.what()) + " has too little memory for one text of " + with_commas(tokens) +
                             " tokens. Free some of it, choose a lower `dtype`, cut texts with `max_length`, or use another device.");
  }
  if (tokens / 2 < token_budget_) {
    token_budget_ = std::max<int64_t>(tokens / 2, 1);
    if (on_event_) {
      on_event_({.kind = Event::Kind::notice,
                 .stage = "embed",
                 .message = std::string(full.what()) + " has too little memory for " + with_commas(tokens) + " tokens at once; going on with " +
                            with_commas(token_budget_) + " (`token_budget`)."});
    }
  }
  halve(block, positions, stop);
}

void RowPipeline::halve(const TokenBlock& block, std::span<const int64_t> positions, const std::stop_token& stop) {
  const size_t half = positions.size() / 2;
  start(block, positions.first(half), stop);
  start(block, positions.subspan(half), stop);
}

void RowPipeline::report() {
  const int64_t written = writer_.written();
  if (!on_event_ || written == reported_) return;
  reported_ = written;
  on_event_({.stage = "embed", .done = written, .total = options_.total});
}

}  // namespace lmtx::detail
