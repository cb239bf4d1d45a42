// Exact search on a card.
#pragma once

#include <c10/core/Device.h>

#include <memory>

#include "lmtx/search/detail/index_state.h"
#include "lmtx/search/detail/searcher.h"

namespace lmtx::cuda {

// Copies the index's rows to the card. Throws std::runtime_error where there is no such card.
std::shared_ptr<const detail::Searcher> make_card_searcher(const detail::IndexState& index, c10::Device device, const CardOptions& options);

}  // namespace lmtx::cuda
