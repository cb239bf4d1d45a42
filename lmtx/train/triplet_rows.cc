#include "lmtx/train/triplet_rows.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

#ifdef LMTX_CUDA
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include "lmtx/train/cuda/triplet_rows.h"
#endif

namespace lmtx {

namespace {

// One row on the CPU; its memory serves the next.
template <typename T>
class Row {
 public:
  Row(const BatchYeses& yeses, const TripletLossOptions& options)
      : yeses_(yeses), margin_(static_cast<T>(options.margin)), temperature_(options.violator_temperature), hard_negatives_(options.hard_negatives) {}

  // Replaces the cosines by coefficients; returns the row's part of the loss.
  T replace(T* scores, int64_t row) {
    const T own = scores[row];
    const bool broken = find_violators(scores, row, own);
    const T scale = broken ? std::numeric_limits<T>::quiet_NaN() : 1 / static_cast<T>(yeses_.size());
    const T loss = weigh(scores, own);
    std::fill(scores, scores + yeses_.size(), scale * 0);
    for (size_t i = 0; i < violators_.size(); ++i) scores[violators_[i]] = scale * weights_[i];
    scores[row] = violators_.empty() ? scale * 0 : -scale;
    return scale * loss;
  }

 private:
  // The hard negatives that violate the margin; true where a number is none.
  bool find_violators(T* scores, int64_t row, T own) {
    constexpr T infinity = std::numeric_limits<T>::infinity();
    yeses_.visit_row(row, [&](int64_t column) { scores[column] = -infinity; });
    scores[row] = -infinity;
    violators_.clear();
    bool broken = std::isnan(own);
    for (int64_t column = 0; column < yeses_.size(); ++column) {
      broken = broken || std::isnan(scores[column]);
      if (scores[column] - own + margin_ > 0) violators_.push_back(column);
    }
    if (static_cast<int64_t>(violators_.size()) <= hard_negatives_) return broken;
    // Equal scores by column. A part of them, then a fixed order: sums are the same everywhere.
    const auto better = [scores](int64_t a, int64_t b) { return scores[a] != scores[b] ? scores[a] > scores[b] : a < b; };
    std::nth_element(violators_.begin(), violators_.begin() + hard_negatives_, violators_.end(), better);
    violators_.resize(static_cast<size_t>(hard_negatives_));
    std::sort(violators_.begin(), violators_.end());
    return broken;
  }

  // The violators' weights, which sum to 1; returns the sum of their losses.
  T weigh(const T* scores, T own) {
    weights_.clear();
    if (violators_.empty()) return 0;
    T best = scores[violators_[0]], sum = 0, loss = 0;
    for (const int64_t column : violators_) best = std::max(best, scores[column]);
    for (const int64_t column : violators_) {
      // exp(0) for the best, whatever the temperature.
      const double below = static_cast<double>(scores[column]) - static_cast<double>(best);
      weights_.push_back(below == 0 ? 1 : static_cast<T>(std::exp(below / temperature_)));
      sum += weights_.back();
    }
    for (size_t i = 0; i < violators_.size(); ++i) {
      weights_[i] /= sum;
      loss += weights_[i] * (scores[violators_[i]] - own + margin_);
    }
    return loss;
  }

  const BatchYeses& yeses_;
  const T margin_;
  const double temperature_;
  const int64_t hard_negatives_;
  std::vector<int64_t> violators_;
  std::vector<T> weights_;
};

template <typename T>
void rows_on_cpu(const at::Tensor& similarity, int64_t first_row, const BatchYeses& yeses, const TripletLossOptions& options, const at::Tensor& losses) {
  T *scores = similarity.mutable_data_ptr<T>(), *loss = losses.mutable_data_ptr<T>();
  at::parallel_for(0, similarity.size(0), 1, [&](int64_t begin, int64_t end) {
    Row<T> row(yeses, options);
    for (int64_t i = begin; i < end; ++i) loss[i] = row.replace(scores + i * yeses.size(), first_row + i);
  });
}

void rows_on_card(const at::Tensor& similarity, int64_t first_row, const BatchYeses& yeses, const TripletLossOptions& options, const at::Tensor& losses) {
#ifdef LMTX_CUDA
  if (similarity.scalar_type() != at::kFloat) throw std::invalid_argument("On a card the triplet loss takes float32, but the vectors are float64.");
  const c10::cuda::CUDAGuard on_device(similarity.device());
  const BatchYeses::Parts parts = yeses.parts();
  cuda::triplet_rows({.similarity = similarity.mutable_data_ptr<float>(),
                      .losses = losses.mutable_data_ptr<float>(),
                      .first_row = first_row,
                      .num_rows = similarity.size(0),
                      .batch = yeses.size(),
                      .row_offsets = parts.row_offsets,
                      .row_groups = parts.row_groups,
                      .group_offsets = parts.group_offsets,
                      .group_columns = parts.group_columns,
                      .hard_negatives = options.hard_negatives,
                      .margin = static_cast<float>(options.margin),
                      .temperature = static_cast<float>(options.violator_temperature)},
                     c10::cuda::getCurrentCUDAStream());
#else
  static_cast<void>(first_row), static_cast<void>(yeses), static_cast<void>(options), static_cast<void>(losses);
  throw std::invalid_argument("This LMTX was built without CUDA (LMTX_CUDA=ON), but the vectors are on " + similarity.device().str() + ".");
#endif
}

}  // namespace

at::Tensor triplet_rows(const at::Tensor& similarity, int64_t first_row, const BatchYeses& yeses, const TripletLossOptions& options) {
  const at::Tensor losses = at::empty({similarity.size(0)}, similarity.options());
  if (similarity.is_cuda())
    rows_on_card(similarity, first_row, yeses, options, losses);
  else if (similarity.scalar_type() == at::kDouble)
    rows_on_cpu<double>(similarity, first_row, yeses, options, losses);
  else
    rows_on_cpu<float>(similarity, first_row, yeses, options, losses);
  return losses;
}

}  // namespace lmtx
