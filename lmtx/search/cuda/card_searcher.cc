#include "lmtx/search/cuda/card_searcher.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/cuda/CUDAContextLight.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/tensor.h>
#include <c10/core/GradMode.h>
#include <c10/cuda/CUDAFunctions.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <stdexcept>
#include <string>

#include "lmtx/detail/with_commas.h"
#include "lmtx/search/cuda/card_rows.h"
#include "lmtx/search/cuda/card_search.h"
#include "lmtx/search/cuda/device_scope.h"
#include "lmtx/search/detail/search_state.h"
#include "lmtx/search/detail/vectors.h"

namespace lmtx::cuda {
namespace {

using detail::IndexState;
using Segments = std::vector<std::shared_ptr<const CardSegment>>;

// Fewer scores at a time make no search fit that does not fit with these.
constexpr int64_t least_scores = int64_t{1} << 22;

void check_device(c10::Device device) {
  const auto count = static_cast<int>(c10::cuda::device_count());
  if (device.index() < count) {
    const auto* card = at::cuda::getDeviceProperties(device.index());
    if (card->major >= 8) return;
    throw std::runtime_error("Search on a card needs compute capability 8.0 or newer, but " + device.str() + " (" + card->name + ") has " +
                             std::to_string(card->major) + "." + std::to_string(card->minor) + "; leave the index on the CPU.");
  }
  const std::string have = count == 0 ? "none that works with this driver" : std::to_string(count);
  throw std::runtime_error("`device` is \"" + device.str() + "\", but of CUDA devices this machine has " + have + ".");
}

constexpr int most_byte_misses = 8;

class CardSearcher : public detail::Searcher {
 public:
  // Shares with `old` the segments that both have.
  CardSearcher(const IndexState& index, c10::Device device, const CardOptions& options, const Segments& old) : device_(device), options_(options) {
    int64_t taken = 0;
    for (const auto& segment : index.segments) {
      const auto there = std::find_if(old.begin(), old.end(), [&](const auto& copy) { return &copy->segment() == segment.get(); });
      segments_.push_back(there == old.end() ? nullptr : *there);
      if (segments_.back()) taken += segments_.back()->bytes();
    }
    if (std::find(segments_.begin(), segments_.end(), nullptr) == segments_.end()) return;
    CardMemory memory = card_memory(device, options.memory_limit, taken, index.dim);
    for (size_t s = 0; s < segments_.size(); ++s) {
      if (!segments_[s]) segments_[s] = std::make_shared<CardSegment>(index.segments[s], device, memory);
    }
  }

  std::shared_ptr<const Searcher> for_changed(const IndexState& index) const override {
    return std::make_shared<CardSearcher>(index, device_, options_, segments_);
  }

  LabelMatches search(const IndexState& index, const at::Tensor& given, int64_t k, const LabelFilter& filter, const EventCallback& on_event,
                      const std::stop_token& stop) const override {
    detail::check_k(k);
    const c10::NoGradGuard no_grad;
    const at::Tensor queries = detail::of_right_shape(given, "queries", index.dim);
    const int64_t kept = std::clamp<int64_t>(index.num_labels, 1, k);
    if (queries.size(0) == 0 || segments_.empty() || !fits(kept)) return search_on_cpu(index, queries, k, filter, on_event, stop);
    const bool elsewhere = queries.is_cuda() && queries.device() != device_;
    const at::Tensor here = elsewhere ? queries.to(device_) : queries;
    const bool bytes = queries.size(0) == 1 && byte_misses_ < most_byte_misses;
    CardMatches found = search_with_less(index, here, k, kept, filter, bytes, on_event, stop);
    if (bytes) {
      byte_misses_ += found.missed.empty() ? (byte_misses_ > 0 ? -1 : 0) : 2;
      if (!found.missed.empty()) found = search_with_less(index, here, k, kept, filter, /*bytes=*/false, {}, stop);
    }
    if (!found.missed.empty()) search_missed(found, index, queries, k, filter, on_event, stop);
    return found.matches;
  }

 private:
  static LabelMatches search_on_cpu(const IndexState& index, const at::Tensor& queries, int64_t k, const LabelFilter& filter, const EventCallback& on_event,
                                    const std::stop_token& stop) {
    return detail::search_index(index, queries, k, filter, on_event, stop, /*use_graphs=*/false);
  }

  bool fits(int64_t kept) const {
    return std::all_of(segments_.begin(), segments_.end(),
                       [&](const auto& segment) { return kept <= most_ranks && (kept - 1) * segment->rows_a_label() < most_ranks; });
  }

  // Does less at a time where memory ends.
  CardMatches search_with_less(const IndexState& index, const at::Tensor& queries, int64_t k, int64_t kept, const LabelFilter& filter, bool bytes,
                               const EventCallback& on_event, const std::stop_token& stop) const {
    SearchSizes sizes;
    sizes.bytes = bytes;
    while (true) {
      try {
        return search_card(searched_rows(index, filter), queries, k, kept, sizes, on_event, stop);
      } catch (const c10::OutOfMemoryError&) {
        if (sizes.scores <= least_scores) throw std::runtime_error(too_little_memory(sizes));
        sizes.scores /= 4;
        sizes.queries_a_copy = std::max<int64_t>(sizes.queries_a_copy / 4, 256);
      }
    }
  }

  std::string too_little_memory(const SearchSizes& sizes) const {
    return "Search on " + device_.str() + " needs " + detail::with_commas(sizes.scores * static_cast<int64_t>(sizeof(int16_t))) +
           " bytes of its memory and some more, but only " + detail::with_commas(free_bytes(device_)) +
           " are free: give LabelIndex::to() a smaller `memory_limit`, or free some.";
  }

  SearchedRows searched_rows(const IndexState& index, const LabelFilter& filter) const {
    const detail::RowOffsets offsets(index, filter);
    SearchedRows rows{.device = device_, .segments = segments_, .offsets = {}, .largest_offset = offsets.largest_size(), .dim = index.dim};
    if (offsets.trivial()) {
      rows.offsets.resize(segments_.size());
    } else if (filter.allow.empty() && filter.deny.empty()) {
      const std::lock_guard lock(mutex_);
      if (offsets_.empty()) offsets_ = copy_offsets(offsets);
      rows.offsets = offsets_;
    } else {
      rows.offsets = copy_offsets(offsets);
    }
    return rows;
  }

  // Returns when they are there.
  std::vector<at::Tensor> copy_offsets(const detail::RowOffsets& offsets) const {
    const DeviceScope scope(device_);
    std::vector<at::Tensor> copies;
    for (size_t s = 0; s < segments_.size(); ++s) {
      const auto owners = segments_[s]->segment().owners();
      const at::Tensor numbers = at::empty({static_cast<int64_t>(owners.size())}, at::TensorOptions().dtype(at::kFloat).device(at::kCPU));
      auto* to = numbers.mutable_data_ptr<float>();
      at::parallel_for(0, numbers.numel(), 2048, [&](int64_t from, int64_t end) {
        for (int64_t i = from; i < end; ++i) to[i] = offsets.of(static_cast<int64_t>(s), owners[i]);
      });
      copies.push_back(numbers.to(device_));
    }
    return copies;
  }

  static void search_missed(CardMatches& found, const IndexState& index, const at::Tensor& queries, int64_t k, const LabelFilter& filter,
                            const EventCallback& on_event, const std::stop_token& stop) {
    const auto count = static_cast<int64_t>(found.missed.size());
    if (on_event) {
      Event event;
      event.kind = Event::Kind::notice;
      event.stage = "search";
      event.message = detail::with_commas(count) + " of " + detail::with_commas(queries.size(0)) +
                      " queries are searched again on the CPU: too many labels have scores that half precision cannot tell from the best.";
      on_event(event);
    }
    const at::Tensor places = at::tensor(found.missed, at::TensorOptions().dtype(at::kLong)).to(queries.device());
    const LabelMatches again = search_on_cpu(index, at::index_select(queries, 0, places), k, filter, {}, stop);
    found.matches.labels.index_copy_(0, places.to(found.matches.labels.device()), again.labels.to(found.matches.labels.device()));
    found.matches.scores.index_copy_(0, places.to(found.matches.scores.device()), again.scores.to(found.matches.scores.device()));
  }

  c10::Device device_;
  CardOptions options_;
  Segments segments_;
  // Where it is not rare that bytes tell too few rows from the best, they are no longer tried: a miss counts for two hits.
  mutable std::atomic<int> byte_misses_ = 0;
  mutable std::mutex mutex_;
  // Of searches without a filter; made by the first of them that needs them.
  mutable std::vector<at::Tensor> offsets_;
};

}  // namespace

std::shared_ptr<const detail::Searcher> make_card_searcher(const IndexState& index, c10::Device device, const CardOptions& options) {
  check_device(device);
  at::globalContext().lazyInitDevice(c10::kCUDA);
  return std::make_shared<CardSearcher>(index, device, options, Segments());
}

}  // namespace lmtx::cuda
