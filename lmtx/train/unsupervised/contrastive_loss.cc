#include "lmtx/train/unsupervised/contrastive_loss.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/logsumexp.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/zeros.h>

#include <limits>
#include <utility>

#include "lmtx/detail/random.h"

namespace lmtx {

namespace {

at::Tensor loss_of(const ContrastTerm& term, const at::Tensor& scores) {
  const at::Tensor columns = scores.narrow(1, term.first, term.targets.size(1));
  const at::Tensor among = at::logsumexp(columns.masked_fill(term.left_out, -std::numeric_limits<double>::infinity()), /*dim=*/1);
  const at::Tensor own = (columns * term.targets.to(columns.scalar_type())).sum(/*dim=*/1);
  return (among - own).mean() * term.weight;
}

template <typename Change>
std::shared_ptr<const BatchLoss> changed(std::vector<ContrastTerm> terms, double temperature, Change change) {
  for (ContrastTerm& term : terms) {
    term.targets = change(term.targets);
    term.left_out = change(term.left_out);
  }
  return std::make_shared<ContrastiveLoss>(std::move(terms), temperature);
}

// Entries of a term as it is being made.
class Entries {
 public:
  Entries(int64_t rows, int64_t columns)
      : targets_(at::zeros({rows, columns}, at::kFloat)), left_out_(at::zeros({rows, columns}, at::kBool)), columns_(columns) {}

  void set_target(size_t row, size_t column, float share) { targets_.mutable_data_ptr<float>()[place(row, column)] = share; }
  void leave_out(size_t row, size_t column) { left_out_.mutable_data_ptr<bool>()[place(row, column)] = true; }
  ContrastTerm term(int64_t first, double weight) const { return {.first = first, .weight = weight, .targets = targets_, .left_out = left_out_}; }

 private:
  int64_t place(size_t row, size_t column) const { return static_cast<int64_t>(row) * columns_ + static_cast<int64_t>(column); }

  at::Tensor targets_, left_out_;
  int64_t columns_;
};

// For each row the rows of its cluster.
std::vector<std::vector<size_t>> positives_of(const ClusteredRows& batch) {
  std::vector<std::vector<size_t>> positives(batch.rows.size());
  for (size_t i = 0; i < batch.rows.size(); ++i) {
    for (size_t j = 0; j < batch.rows.size(); ++j) {
      if (i == j || (!batch.clusters.empty() && batch.clusters[i] == batch.clusters[j])) positives[i].push_back(j);
    }
  }
  return positives;
}

// Positives of each row among the rows' columns, those like it left out.
void add_rows(const ClusteredRows& batch, bool mask_duplicates, Entries& entries) {
  const auto positives = positives_of(batch);
  for (size_t i = 0; i < batch.rows.size(); ++i) {
    std::vector<bool> is_positive(batch.rows.size());
    for (const size_t j : positives[i]) {
      is_positive[j] = true;
      entries.set_target(i, j, 1.0f / static_cast<float>(positives[i].size()));
    }
    for (size_t k = 0; k < batch.rows.size() && mask_duplicates; ++k) {
      if (!is_positive[k] && batch.rows[i].is_like(batch.rows[k])) entries.leave_out(i, k);
    }
  }
}

}  // namespace

ContrastiveLoss::ContrastiveLoss(std::vector<ContrastTerm> terms, double temperature) : terms_(std::move(terms)), temperature_(temperature) {}

at::Tensor ContrastiveLoss::loss(const at::Tensor& left, const at::Tensor& right) const {
  const at::Tensor scores = at::mm(left, right.t()) / temperature_;
  at::Tensor sum;
  for (const ContrastTerm& term : terms_) sum = sum.defined() ? sum + loss_of(term, scores) : loss_of(term, scores);
  return sum;
}

std::shared_ptr<const BatchLoss> ContrastiveLoss::to(at::Device device) const {
  return changed(terms_, temperature_, [&](const at::Tensor& tensor) { return tensor.to(device, /*non_blocking=*/true); });
}

std::shared_ptr<const BatchLoss> ContrastiveLoss::pinned() const {
  return changed(terms_, temperature_, [](const at::Tensor& tensor) { return tensor.pin_memory(); });
}

uint64_t text_key(const std::vector<int32_t>& tokens) {
  uint64_t key = detail::mix(tokens.size());
  for (const int32_t token : tokens) key = detail::mix(key ^ static_cast<uint64_t>(static_cast<uint32_t>(token)));
  return key;
}

ContrastTerm in_batch_term(const std::vector<ContrastRow>& rows, bool mask_duplicates) {
  const auto size = static_cast<int64_t>(rows.size());
  Entries entries(size, size);
  add_rows({.rows = rows, .clusters = {}, .labels = {}}, mask_duplicates, entries);
  return entries.term(/*first=*/0, /*weight=*/1);
}

std::vector<ContrastTerm> clustered_terms(const ClusteredRows& batch, double regularization, bool mask_duplicates) {
  const auto size = static_cast<int64_t>(batch.rows.size()), labels = static_cast<int64_t>(batch.labels.size());
  Entries titles(size, size), views(size, size + labels);
  add_rows(batch, mask_duplicates, titles);
  add_rows(batch, mask_duplicates, views);
  for (size_t i = 0; i < batch.rows.size() && mask_duplicates; ++i) {
    for (size_t m = 0; m < batch.labels.size(); ++m) {
      const uint64_t label = batch.labels[m];
      if (label == batch.rows[i].left || label == batch.rows[i].right) views.leave_out(i, batch.rows.size() + m);
    }
  }
  std::vector<ContrastTerm> terms{titles.term(0, 1)};
  if (regularization > 0) terms.push_back(views.term(size, regularization));
  return terms;
}

}  // namespace lmtx
