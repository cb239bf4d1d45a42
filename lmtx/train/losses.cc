#include "lmtx/train/losses.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/gather.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/sort.h>
#include <ATen/ops/where.h>

#include <algorithm>
#include <limits>
#include <sstream>
#include <stdexcept>

namespace lmtx {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

void check_matrix(const at::Tensor& tensor, const char* name) {
  if (tensor.dim() == 2 && tensor.size(0) > 0 && (tensor.scalar_type() == at::kFloat || tensor.scalar_type() == at::kDouble)) return;
  std::ostringstream message;
  message << '`' << name << "` must be float32 or float64 of shape [batch, dim] with a row at least, but is " << tensor.scalar_type() << " of shape " << tensor.sizes()
          << " instead.";
  throw std::invalid_argument(message.str());
}

void check_inputs(const at::Tensor& documents, const at::Tensor& labels, const at::Tensor& is_yes) {
  check_matrix(documents, "documents");
  check_matrix(labels, "labels");
  std::ostringstream message;
  if (labels.sizes() != documents.sizes() || labels.scalar_type() != documents.scalar_type()) {
    message << "`labels` must be as `documents`, " << documents.scalar_type() << " of shape " << documents.sizes() << ", but is " << labels.scalar_type() << " of shape "
            << labels.sizes() << " instead.";
    throw std::invalid_argument(message.str());
  }
  if (is_yes.scalar_type() != at::kBool || is_yes.dim() != 2 || is_yes.size(0) != documents.size(0) || is_yes.size(1) != documents.size(0)) {
    message << "`is_yes` must be bool of shape [" << documents.size(0) << ", " << documents.size(0) << "], but is " << is_yes.scalar_type() << " of shape " << is_yes.sizes()
            << " instead.";
    throw std::invalid_argument(message.str());
  }
}

struct HardNegatives {
  at::Tensor columns;  // int64 [B, k]: the best columns of each row that are no yes, best first; equal scores by column
  at::Tensor weights;  // [B, k]: sums to 1 over the violators of a row; 0 for all else
};

// A softmax over the entries that are set in `kept`; 0 elsewhere, and everywhere in a row without any.
at::Tensor masked_softmax(const at::Tensor& logits, const at::Tensor& kept) {
  const at::Tensor top = at::where(kept, logits, -infinity).amax(1, /*keepdim=*/true);
  // What is masked becomes the maximum itself, so that neither an overflow nor inf - inf comes near exp().
  const at::Tensor shifted = at::where(kept, logits - top, 0.0);
  const at::Tensor weights = at::where(kept, shifted.exp(), 0.0);
  return weights / weights.sum(1, /*keepdim=*/true).clamp_min(1);  // exp(0) is in the sum wherever something is kept
}

// similarity: [B, B], detached.
HardNegatives choose_negatives(const at::Tensor& similarity, const at::Tensor& is_yes, const TripletLossOptions& options) {
  const at::NoGradGuard no_grad;
  const int64_t batch = similarity.size(0), k = std::min(options.hard_negatives, batch);
  const at::Tensor excluded = is_yes.logical_or(at::eye(batch, is_yes.options()));
  // A stable sort, so that ties do not depend on the machine.
  auto [scores, columns] = at::sort(similarity.masked_fill(excluded, -infinity), /*stable=*/true, /*dim=*/1, /*descending=*/true);
  scores = scores.narrow(1, 0, k);
  columns = columns.narrow(1, 0, k).contiguous();
  const at::Tensor violates = scores - similarity.diagonal().unsqueeze(1) + options.margin > 0;
  return {columns, masked_softmax(scores / options.violator_temperature, violates)};
}

}  // namespace

at::Tensor triplet_loss(const at::Tensor& documents, const at::Tensor& labels, const at::Tensor& is_yes, const TripletLossOptions& options) {
  check_inputs(documents, labels, is_yes);
  const at::Tensor similarity = at::mm(documents, labels.t());
  const HardNegatives negatives = choose_negatives(similarity.detach(), is_yes, options);
  // max(0, .) is in the weights: they are 0 where the margin holds.
  const at::Tensor violations = at::gather(similarity, 1, negatives.columns) - similarity.diagonal().unsqueeze(1) + options.margin;
  return (negatives.weights * violations).sum() / static_cast<double>(documents.size(0));
}

}  // namespace lmtx
