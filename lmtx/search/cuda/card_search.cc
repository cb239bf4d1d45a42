// Queries go through all rows in batches: while the card searches one, the matches of the batch before are fetched and handed on.
#include "lmtx/search/cuda/card_search.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <c10/cuda/CUDAEvent.h>
#include <c10/cuda/CUDAStream.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <optional>
#include <stdexcept>
#include <string>

#include "lmtx/search/cuda/device_scope.h"
#include "lmtx/search/cuda/half_products.h"
#include "lmtx/search/cuda/row_stream.h"
#include "lmtx/search/detail/search_state.h"
#include "lmtx/stopped.h"

namespace lmtx::cuda {
namespace {

// Best labels and scores on the card of the queries of a batch.
constexpr int64_t most_bytes_of_matches = int64_t{256} << 20;

void check(cudaError_t error, const char* doing) {
  if (error != cudaSuccess) throw std::runtime_error(std::string("Search on a card, ") + doing + ": " + cudaGetErrorString(error) + ".");
}

at::Tensor bytes_on(c10::Device device, int64_t size) { return at::empty({size}, at::TensorOptions().dtype(at::kByte).device(device)); }
at::Tensor pinned_bytes(int64_t size) { return at::empty({size}, at::TensorOptions().dtype(at::kByte).device(at::kCPU).pinned_memory(true)); }

// What comes back from a batch, one behind the other, so that one copy fetches it. Matches are left out where they are written to where they belong at once.
struct Layout {
  int64_t queries;
  int64_t k;
  bool with_matches;

  int64_t scores_at() const { return with_matches ? queries * k * static_cast<int64_t>(sizeof(int64_t)) : 0; }
  int64_t missed_at() const { return scores_at() + (with_matches ? queries * k * static_cast<int64_t>(sizeof(float)) : 0); }
  int64_t faults_at() const { return missed_at() + queries * static_cast<int64_t>(sizeof(int32_t)); }
  int64_t size() const { return faults_at() + static_cast<int64_t>(sizeof(QueryFaults)); }
};

// Memory is kept until the card is done with it.
struct Batch {
  int64_t begin = 0;
  Layout layout{};
  at::Tensor uploaded;      // uint8, pinned: the queries' numbers; undefined for queries that are on the card
  at::Tensor queries;       // float32 [queries, dim]
  at::Tensor half_queries;  // float16 [queries, padded(dim)]
  at::Tensor figures;       // uint8: RoundedVectors
  at::Tensor returned;      // uint8, by layout
  at::Tensor fetched;       // the same in pinned memory
  BestOnCard best{};
  c10::cuda::CUDAEvent done;

  QueriesOnCard view(int64_t first, int64_t count) const {
    const auto* numbers = static_cast<const RoundedVectors*>(figures.const_data_ptr());
    return {.queries = queries.const_data_ptr<float>() + first * queries.size(1),
            .half_queries = static_cast<const __half*>(half_queries.const_data_ptr()) + first * half_queries.size(1),
            .figures = numbers + first,
            .count = count};
  }
  BestOnCard best_of(int64_t first) const {
    BestOnCard some = best;
    some.labels += first * best.k;
    some.scores += first * best.k;
    some.missed += first;
    return some;
  }
};

class Search {
 public:
  Search(const SearchedRows& rows, const at::Tensor& queries, int64_t k, int64_t kept, const SearchSizes& sizes, const EventCallback& on_event,
         const std::stop_token& stop)
      : rows_(rows),
        queries_(queries),
        k_(k),
        kept_(kept),
        sizes_(sizes),
        on_event_(on_event),
        stop_(stop),
        scope_(rows.device),
        stream_(c10::cuda::getCurrentCUDAStream(rows.device.index())),
        stays_(queries.device() == rows.device),
        by_bytes_(sizes.bytes && queries.size(0) == 1 && rows.dim <= most_byte_dims) {
    const auto where = at::TensorOptions().device(queries.device());
    found_.matches = {.labels = at::empty({queries.size(0), k}, where.dtype(at::kLong)), .scores = at::empty({queries.size(0), k}, where.dtype(at::kFloat))};
    for (const auto& segment : rows.segments) longest_row_ = std::max(longest_row_, segment->segment().max_norm());
    take_memory();
  }

  // The card may still use what is freed now.
  ~Search() {
    try {
      if (!pending_.empty()) stream_.synchronize();
    } catch (...) {  // an error is on its way
    }
  }
  Search(const Search&) = delete;
  Search& operator=(const Search&) = delete;

  CardMatches run() {
    const int64_t num_queries = queries_.size(0);
    for (int64_t begin = 0; begin < num_queries; begin += queries_a_batch_) {
      check_stop(stop_);
      start(begin, std::min(queries_a_batch_, num_queries - begin));
      if (pending_.size() > 1) finish_oldest();
    }
    while (!pending_.empty()) finish_oldest();
    return std::move(found_);
  }

 private:
  int64_t queries_at_once(const CardPart& part) const {
    const int64_t fit = std::clamp<int64_t>(sizes_.scores / padded(part.count), 1, sizes_.queries);
    return fit >= 64 ? fit / 64 * 64 : fit;
  }

  // For the largest part; and decides how many queries make a batch.
  void take_memory() {
    const int64_t num_queries = queries_.size(0);
    int64_t score_bytes = 0, maxima = 0, most_at_once = 1, most_rows_copied = 0;
    for (const auto& segment : rows_.segments) {
      for (const CardPart& part : segment->parts()) {
        const int64_t at_once = std::min(queries_at_once(part), num_queries);
        const Groups groups = groups_for(part.count);
        most_at_once = std::max(most_at_once, at_once);
        score_bytes = std::max({score_bytes, at_once * padded(part.count) * static_cast<int64_t>(sizeof(__half)),
                                groups.count * groups.depth * static_cast<int64_t>(sizeof(float))});
        maxima = std::max(maxima, at_once * groups.count);
        if (!part.on_card()) most_rows_copied = std::max(most_rows_copied, part.count);
      }
    }
    const auto on_card = at::TensorOptions().device(rows_.device);
    scores_ = at::empty({score_bytes}, on_card.dtype(at::kByte));
    maxima_ = at::empty({maxima}, on_card.dtype(at::kFloat));
    if (by_bytes_) query_bytes_ = bytes_on(rows_.device, byte_figures_at() + static_cast<int64_t>(sizeof(ByteFigures)));
    candidates_ = bytes_on(rows_.device, few_queries * (most_candidates * static_cast<int64_t>(sizeof(int64_t) + sizeof(float)) +
                                                        static_cast<int64_t>(sizeof(float) + sizeof(int32_t))));
    const int64_t most_matches = std::max<int64_t>(most_bytes_of_matches / (k_ * static_cast<int64_t>(sizeof(int64_t) + sizeof(float))), 1);
    queries_a_batch_ = std::min({most_rows_copied > 0 ? sizes_.queries_a_copy : most_at_once, most_matches, num_queries});
    if (most_rows_copied > 0) row_stream_.emplace(most_rows_copied, rows_.dim, rows_.device);
  }

  void start(int64_t begin, int64_t count) {
    // Known to the destructor from the first call on that gives the card its memory.
    pending_.emplace_back();
    Batch& batch = pending_.back();
    batch.begin = begin;
    upload(batch, count);
    lay_out(batch, count);
    prepare(batch, count);
    search_segments(batch, count);
    batch.fetched = pinned_bytes(batch.layout.size());
    check(cudaMemcpyAsync(batch.fetched.mutable_data_ptr(), batch.returned.const_data_ptr(), static_cast<size_t>(batch.layout.size()), cudaMemcpyDeviceToHost,
                          stream_.stream()),
          "fetching matches");
    batch.done.record(stream_);
  }

  void upload(Batch& batch, int64_t count) {
    const at::Tensor some = queries_.narrow(0, batch.begin, count);
    if (stays_) {
      batch.queries = some.contiguous();
      return;
    }
    const at::Tensor dense = some.to(at::kCPU).contiguous();
    const auto bytes = static_cast<int64_t>(dense.nbytes());
    batch.uploaded = pinned_bytes(bytes);
    std::memcpy(batch.uploaded.mutable_data_ptr(), dense.const_data_ptr(), static_cast<size_t>(bytes));
    batch.queries = at::empty({count, rows_.dim}, at::TensorOptions().dtype(at::kFloat).device(rows_.device));
    check(cudaMemcpyAsync(batch.queries.mutable_data_ptr(), batch.uploaded.const_data_ptr(), static_cast<size_t>(bytes), cudaMemcpyHostToDevice,
                          stream_.stream()),
          "copying queries");
  }

  void lay_out(Batch& batch, int64_t count) {
    batch.layout = {.queries = count, .k = k_, .with_matches = !stays_};
    batch.half_queries = at::empty({count, padded(rows_.dim)}, at::TensorOptions().dtype(at::kHalf).device(rows_.device));
    batch.figures = bytes_on(rows_.device, count * static_cast<int64_t>(sizeof(RoundedVectors)));
    batch.returned = bytes_on(rows_.device, batch.layout.size());
    auto* bytes = batch.returned.mutable_data_ptr<uint8_t>();
    auto* missed = reinterpret_cast<int32_t*>(bytes + batch.layout.missed_at());
    if (stays_) {
      batch.best = {.labels = found_.matches.labels.mutable_data_ptr<int64_t>() + batch.begin * k_,
                    .scores = found_.matches.scores.mutable_data_ptr<float>() + batch.begin * k_,
                    .missed = missed,
                    .k = k_,
                    .kept = kept_};
    } else {
      auto* scores = reinterpret_cast<float*>(bytes + batch.layout.scores_at());
      batch.best = {.labels = reinterpret_cast<int64_t*>(bytes), .scores = scores, .missed = missed, .k = k_, .kept = kept_};
    }
  }

  void prepare(const Batch& batch, int64_t count) {
    const QueriesOnCard all = batch.view(0, count);
    auto* half_queries = static_cast<__half*>(batch.half_queries.mutable_data_ptr());
    auto* figures = static_cast<RoundedVectors*>(batch.figures.mutable_data_ptr());
    auto* faults = reinterpret_cast<QueryFaults*>(batch.returned.mutable_data_ptr<uint8_t>() + batch.layout.faults_at());
    if (by_bytes_) {
      return prepare_query(all.queries, half_queries, figures, query_bytes(), byte_figures(), faults, batch.best.missed, rows_.dim, longest_row_,
                           detail::largest_product, stream_.stream());
    }
    check(cudaMemsetAsync(batch.best.missed, 0, static_cast<size_t>(count) * sizeof(int32_t), stream_.stream()), "clearing memory");
    static_assert(no_fault == 0x7f7f7f7f);
    check(cudaMemsetAsync(faults, 0x7f, sizeof(QueryFaults), stream_.stream()), "clearing memory");
    prepare_queries(all.queries, half_queries, figures, faults, count, rows_.dim, batch.begin, longest_row_, detail::largest_product, stream_.stream());
  }

  int8_t* query_bytes() const { return reinterpret_cast<int8_t*>(query_bytes_.mutable_data_ptr<uint8_t>()); }
  // Behind the query's two bytes a number.
  ByteFigures* byte_figures() const { return reinterpret_cast<ByteFigures*>(query_bytes() + byte_figures_at()); }
  int64_t byte_figures_at() const { return 2 * padded_bytes(rows_.dim); }

  void search_segments(const Batch& batch, int64_t count) {
    bool more = false;
    for (size_t s = 0; s < rows_.segments.size(); ++s) {
      const CardSegment& segment = *rows_.segments[s];
      const float* offsets = rows_.offsets[s].defined() ? rows_.offsets[s].const_data_ptr<float>() : nullptr;
      for (const CardPart& part : segment.parts()) {
        if (!part.on_card()) check_stop(stop_);
        const CardPart here = part.on_card() ? part : row_stream_->fetch(segment.segment(), part);
        const RowsOnCard view = view_of(here, segment.segment(), offsets, rows_.largest_offset);
        for (int64_t first = 0; first < count; first += queries_at_once(part)) {
          search_part(batch, first, std::min(queries_at_once(part), count - first), here, view, more, segment.rows_a_label());
        }
        if (!part.on_card()) row_stream_->release();
        more = true;
      }
    }
  }

  Candidates candidates() const {
    constexpr int64_t places = few_queries * most_candidates;
    auto* labels = reinterpret_cast<int64_t*>(candidates_.mutable_data_ptr<uint8_t>());
    auto* scores = reinterpret_cast<float*>(labels + places);
    auto* counts = reinterpret_cast<int32_t*>(scores + places + few_queries);
    return {.bars = scores + places, .counts = counts, .labels = labels, .scores = scores};
  }

  void search_bytes(const Batch& batch, const CardPart& part, const RowsOnCard& view, const Groups& groups, bool more, int64_t rows_a_label) {
    auto* maxima = maxima_.mutable_data_ptr<float>();
    auto* scores = static_cast<float*>(scores_.mutable_data_ptr());
    multiply_one_by_bytes(scores, maxima, view, bytes_of(part), query_bytes(), byte_figures(), groups, stream_.stream());
    QueriesOnCard query = batch.view(0, 1);
    query.figures = &byte_figures()->vectors;
    RowsOnCard rows = view;
    rows.rounding = part.byte_rounding.const_data_ptr<float>();
    find_best(scores, maxima, query, rows, groups, batch.best_of(0), more, rows_a_label, candidates(), stream_.stream());
  }

  void search_part(const Batch& batch, int64_t first, int64_t count, const CardPart& part, const RowsOnCard& view, bool more, int64_t rows_a_label) {
    const QueriesOnCard queries = batch.view(first, count);
    const Groups groups = groups_for(view.count);
    auto* maxima = maxima_.mutable_data_ptr<float>();
    if (by_bytes_ && part.bytes.defined()) return search_bytes(batch, part, view, groups, more, rows_a_label);
    if (count == 1) {
      auto* scores = static_cast<float*>(scores_.mutable_data_ptr());
      multiply_one(scores, maxima, queries, view, groups, stream_.stream());
      find_best(scores, maxima, queries, view, groups, batch.best_of(first), more, rows_a_label, candidates(), stream_.stream());
      return;
    }
    const int64_t columns = padded(view.count);
    at::Tensor scores = scores_.view(at::kHalf).narrow(0, 0, count * columns).view({count, columns});
    at::mm_out(scores, batch.half_queries.narrow(0, first, count), part.half_rows.t());
    const auto* products = static_cast<const __half*>(scores.const_data_ptr());
    find_maxima(products, maxima, queries, view, groups, stream_.stream());
    find_best(products, maxima, queries, view, groups, batch.best_of(first), more, rows_a_label, candidates(), stream_.stream());
  }

  void finish_oldest() {
    const Batch& batch = pending_.front();
    batch.done.synchronize();
    const auto* bytes = batch.fetched.const_data_ptr<uint8_t>();
    const auto* faults = reinterpret_cast<const QueryFaults*>(bytes + batch.layout.faults_at());
    if (faults->not_finite != no_fault) {
      throw std::invalid_argument("`queries` must be finite, but row " + std::to_string(faults->not_finite) + " is not.");
    }
    if (faults->too_long != no_fault) detail::refuse_long_query(faults->too_long);
    const auto* missed = reinterpret_cast<const int32_t*>(bytes + batch.layout.missed_at());
    for (int64_t q = 0; q < batch.layout.queries; ++q) {
      if (missed[q] != 0) found_.missed.push_back(batch.begin + q);
    }
    if (!stays_) hand_on(batch, bytes);
    detail::report_search(on_event_, batch.begin + batch.layout.queries, queries_.size(0));
    pending_.pop_front();
  }

  void hand_on(const Batch& batch, const uint8_t* bytes) {
    const int64_t count = batch.layout.queries * k_;
    std::memcpy(found_.matches.labels.mutable_data_ptr<int64_t>() + batch.begin * k_, bytes, static_cast<size_t>(count) * sizeof(int64_t));
    std::memcpy(found_.matches.scores.mutable_data_ptr<float>() + batch.begin * k_, bytes + batch.layout.scores_at(),
                static_cast<size_t>(count) * sizeof(float));
  }

  const SearchedRows& rows_;
  const at::Tensor& queries_;
  int64_t k_;
  int64_t kept_;
  const SearchSizes& sizes_;
  const EventCallback& on_event_;
  const std::stop_token& stop_;
  DeviceScope scope_;
  ExactHalfSums exact_sums_;
  c10::cuda::CUDAStream stream_;
  // Whether queries are on the card, and matches stay there.
  bool stays_;
  bool by_bytes_;
  double longest_row_ = 0;
  int64_t queries_a_batch_ = 1;
  CardMatches found_;
  at::Tensor scores_;       // uint8
  at::Tensor maxima_;       // float32
  at::Tensor candidates_;   // uint8
  at::Tensor query_bytes_;  // uint8
  std::optional<RowStream> row_stream_;
  std::deque<Batch> pending_;
};

}  // namespace

CardMatches search_card(const SearchedRows& rows, const at::Tensor& queries, int64_t k, int64_t kept, const SearchSizes& sizes, const EventCallback& on_event,
                        const std::stop_token& stop) {
  return Search(rows, queries, k, kept, sizes, on_event, stop).run();
}

}  // namespace lmtx::cuda
