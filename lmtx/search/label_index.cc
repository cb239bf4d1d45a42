#include "lmtx/search/label_index.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <unordered_set>

#include "lmtx/detail/computation.h"
#include "lmtx/detail/device.h"
#include "lmtx/search/detail/index_files.h"
#include "lmtx/search/detail/search_state.h"
#include "lmtx/search/detail/vectors.h"
#ifdef LMTX_CUDA
#include "lmtx/search/cuda/card_searcher.h"
#endif

namespace lmtx {

struct LabelIndex::Impl : detail::IndexState {};

namespace {

using detail::IndexState;
using detail::Segment;

// Scores with larger ones could overflow float32.
constexpr float largest_bias = 1e38f;
// Below, comparing with every row is as fast as a walk through a graph.
constexpr int64_t least_rows_for_graph = 2000;

void check_owners(std::span<const int64_t> owners, int64_t num_rows) {
  if (static_cast<int64_t>(owners.size()) != num_rows) {
    throw std::invalid_argument("`owners` must have a label number for each of the " + std::to_string(num_rows) + " rows, but has " +
                                std::to_string(owners.size()) + " instead.");
  }
  const auto negative = std::find_if(owners.begin(), owners.end(), [](int64_t owner) { return owner < 0; });
  if (negative != owners.end()) {
    throw std::invalid_argument("`owners` must not be negative, but row " + std::to_string(negative - owners.begin()) + " belongs to label " +
                                std::to_string(*negative) + ".");
  }
}

void check_labels(const IndexState& index, std::span<const int64_t> labels) {
  for (int64_t label : labels) {
    if (!index.contains(label)) throw std::out_of_range("Label number " + std::to_string(label) + " has no rows in the index.");
  }
}

void add_segment(IndexState& index, const at::Tensor& rows, std::span<const int64_t> owners, bool normalize) {
  if (rows.size(0) == 0) return;
  const std::shared_ptr<Segment> segment = Segment::copy_of(rows, owners, normalize);
#ifdef LMTX_FAISS
  if (index.options.method == "hnsw" && segment->num_rows() >= least_rows_for_graph) {
    segment->set_graph(detail::build_graph(segment->row(0), segment->num_rows(), segment->dim()));
  }
#else
  static_cast<void>(least_rows_for_graph);
#endif
  index.segments.push_back(segment);
  index.num_labels += index.count_new_labels(static_cast<int64_t>(index.segments.size()) - 1);
}

// What holds the rows elsewhere follows each change.
void follow(IndexState& index) {
  if (index.searcher) index.searcher = index.searcher->for_changed(index);
}

LabelRows living_rows(const IndexState& index) {
  const auto num_segments = static_cast<int64_t>(index.segments.size());
  std::vector<const float*> sources;
  LabelRows living;
  for (int64_t s = 0; s < num_segments; ++s) {
    const Segment& segment = *index.segments[s];
    for (int64_t i = 0; i < segment.num_rows(); ++i) {
      if (!index.alive(s, segment.owners()[i])) continue;
      sources.push_back(segment.row(i));
      living.owners.push_back(segment.owners()[i]);
    }
  }
  living.rows = at::empty({static_cast<int64_t>(sources.size()), index.dim}, at::TensorOptions().dtype(at::kFloat).device(at::kCPU));
  auto* to = living.rows.mutable_data_ptr<float>();
  for (const float* source : sources) to = std::copy_n(source, index.dim, to);
  return living;
}

}  // namespace

void detail::check_method(const LabelIndexOptions& options) {
  if (options.method != "exact" && options.method != "hnsw") {
    throw std::invalid_argument("`method` must be \"exact\" or \"hnsw\", but is \"" + options.method + "\" instead.");
  }
#ifndef LMTX_FAISS
  if (options.method == "hnsw") {
    throw std::invalid_argument("`method` is \"hnsw\", but this LMTX was built without FAISS: build it with LMTX_FAISS=ON, or use \"exact\".");
  }
#endif
}

LabelIndex::LabelIndex(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

LabelIndex LabelIndex::build(const at::Tensor& rows, std::span<const int64_t> owners, const LabelIndexOptions& options) {
  const detail::Computation computation;
  detail::check_method(options);
  const at::Tensor checked = detail::checked_vectors(rows, "rows", /*dim=*/-1);
  check_owners(owners, checked.size(0));
  const auto impl = std::make_shared<Impl>();
  impl->options = options;
  impl->dim = checked.size(1);
  add_segment(*impl, checked, owners, options.normalize);
  return LabelIndex(impl);
}

LabelIndex LabelIndex::build(const at::Tensor& rows, const LabelIndexOptions& options) {
  std::vector<int64_t> owners(rows.defined() && rows.dim() > 0 ? static_cast<size_t>(rows.size(0)) : 0);
  std::iota(owners.begin(), owners.end(), 0);
  return build(rows, owners, options);
}

LabelMatches LabelIndex::search(const at::Tensor& queries, int64_t k, const LabelFilter& filter, const EventCallback& on_event, std::stop_token stop) const {
  const detail::Computation computation;
  LabelMatches matches = impl_->searcher ? impl_->searcher->search(*impl_, queries, k, filter, on_event, stop)
                                         : detail::search_index(*impl_, queries, k, filter, on_event, stop);
  return {.labels = matches.labels.to(queries.device()), .scores = matches.scores.to(queries.device())};
}

LabelIndex LabelIndex::with_added(const at::Tensor& rows, std::span<const int64_t> owners) const {
  const detail::Computation computation;
  const at::Tensor checked = detail::checked_vectors(rows, "rows", dim());
  check_owners(owners, checked.size(0));
  const auto impl = std::make_shared<Impl>(*impl_);
  add_segment(*impl, checked, owners, impl->options.normalize);
  follow(*impl);
  return LabelIndex(impl);
}

LabelIndex LabelIndex::with_removed(std::span<const int64_t> labels) const {
  check_labels(*impl_, labels);
  const auto impl = std::make_shared<Impl>(*impl_);
  for (int64_t label : std::unordered_set<int64_t>(labels.begin(), labels.end())) {
    impl->removed[label] = num_segments();
    impl->biases.erase(label);
    --impl->num_labels;
  }
  follow(*impl);
  return LabelIndex(impl);
}

LabelIndex LabelIndex::with_bias(std::span<const int64_t> labels, std::span<const float> biases) const {
  if (labels.size() != biases.size()) {
    throw std::invalid_argument("`biases` must have one number for each of the " + std::to_string(labels.size()) + " labels, but has " +
                                std::to_string(biases.size()) + " instead.");
  }
  check_labels(*impl_, labels);
  const auto impl = std::make_shared<Impl>(*impl_);
  for (size_t i = 0; i < labels.size(); ++i) {
    if (!(std::abs(biases[i]) <= largest_bias)) {
      throw std::invalid_argument("`biases` must be finite and at most 1e38, but entry " + std::to_string(i) + " is " + std::to_string(biases[i]) + ".");
    }
    impl->biases[labels[i]] = biases[i];
  }
  std::erase_if(impl->biases, [](const auto& entry) { return entry.second == 0; });
  follow(*impl);
  return LabelIndex(impl);
}

LabelIndex LabelIndex::compact() const {
  const detail::Computation computation;
  if (num_segments() <= 1 && impl_->removed.empty()) return *this;
  const auto impl = std::make_shared<Impl>(*impl_);
  const LabelRows living = living_rows(*impl);
  impl->segments.clear();
  impl->removed.clear();
  impl->num_labels = 0;
  add_segment(*impl, living.rows, living.owners, /*normalize=*/false);
  follow(*impl);
  return LabelIndex(impl);
}

LabelIndex LabelIndex::to(const std::string& device, [[maybe_unused]] const CardOptions& options) const {
  const c10::Device parsed = detail::parse_device(device);
  if (options.memory_limit < 0) {
    throw std::invalid_argument("`memory_limit` must not be negative, but is " + std::to_string(options.memory_limit) + ".");
  }
  const auto impl = std::make_shared<Impl>(*impl_);
  impl->device = parsed.str();
  impl->searcher = nullptr;
#ifdef LMTX_CUDA
  if (parsed.is_cuda()) impl->searcher = cuda::make_card_searcher(*impl, parsed, options);
#endif
  return LabelIndex(impl);
}

void LabelIndex::save(const std::filesystem::path& folder) const { detail::save_index(*impl_, folder); }

LabelIndex LabelIndex::load(const std::filesystem::path& folder) {
  const auto impl = std::make_shared<Impl>();
  static_cast<IndexState&>(*impl) = detail::load_index(folder);
  return LabelIndex(impl);
}

LabelRows LabelIndex::rows() const { return living_rows(*impl_); }
bool LabelIndex::contains(int64_t label) const { return impl_->contains(label); }
int64_t LabelIndex::dim() const { return impl_->dim; }
int64_t LabelIndex::num_labels() const { return impl_->num_labels; }
int64_t LabelIndex::num_segments() const { return static_cast<int64_t>(impl_->segments.size()); }
const LabelIndexOptions& LabelIndex::options() const { return impl_->options; }
const std::string& LabelIndex::device() const { return impl_->device; }

int64_t LabelIndex::num_rows() const {
  int64_t rows = 0;
  for (const auto& segment : impl_->segments) rows += segment->num_rows();
  return rows;
}

int64_t LabelIndex::max_label() const {
  int64_t largest = -1;
  for (const auto& segment : impl_->segments) largest = std::max(largest, segment->labels().back());
  return largest;
}

}  // namespace lmtx
