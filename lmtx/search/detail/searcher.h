// Where an index is searched, other than on the CPU.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <stop_token>

#include "lmtx/event.h"
#include "lmtx/search/label_index.h"

namespace lmtx::detail {

struct IndexState;

// Holds copies of an index's rows. Immutable; const methods may be called from several threads.
class Searcher {
 public:
  virtual ~Searcher() = default;
  // For an index that was made from this one's; shares the copies of segments that both have.
  virtual std::shared_ptr<const Searcher> for_changed(const IndexState& index) const = 0;
  // As LabelIndex::search(), for the index that it was made for. Results lie where the queries are, or on the CPU.
  virtual LabelMatches search(const IndexState& index, const at::Tensor& queries, int64_t k, const LabelFilter& filter, const EventCallback& on_event,
                              const std::stop_token& stop) const = 0;
};

}  // namespace lmtx::detail
