#include "lmtx/train/losses.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/gather.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/sort.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <vector>

#include "lmtx/train/triplet_rows.h"

namespace lmtx {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

void check_matrix(const at::Tensor& tensor, const char* name) {
  if (tensor.dim() == 2 && tensor.size(0) > 0 && (tensor.scalar_type() == at::kFloat || tensor.scalar_type() == at::kDouble)) return;
  std::ostringstream message;
  message << '`' << name << "` must be float32 or float64 of shape [batch, dim] with a row at least, but is " << tensor.scalar_type() << " of shape "
          << tensor.sizes() << " instead.";
  throw std::invalid_argument(message.str());
}

void check_rows(const at::Tensor& documents, const at::Tensor& labels, int64_t batch) {
  check_matrix(documents, "documents");
  check_matrix(labels, "labels");
  std::ostringstream message;
  if (labels.sizes() != documents.sizes() || labels.scalar_type() != documents.scalar_type()) {
    message << "`labels` must be as `documents`, " << documents.scalar_type() << " of shape " << documents.sizes() << ", but is " << labels.scalar_type()
            << " of shape " << labels.sizes() << " instead.";
    throw std::invalid_argument(message.str());
  }
  if (batch == documents.size(0)) return;
  message << "`yeses` must be of the " << documents.size(0) << " rows of `documents`, but are of " << batch << " instead.";
  throw std::invalid_argument(message.str());
}

void check_matrix_of_yeses(const at::Tensor& is_yes, int64_t batch) {
  if (is_yes.scalar_type() == at::kBool && is_yes.dim() == 2 && is_yes.size(0) == batch && is_yes.size(1) == batch) return;
  std::ostringstream message;
  message << "`is_yes` must be bool of shape [" << batch << ", " << batch << "], but is " << is_yes.scalar_type() << " of shape " << is_yes.sizes()
          << " instead.";
  throw std::invalid_argument(message.str());
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

// Up to here all cosines of a batch are computed at once on the CPU.
constexpr int64_t largest_at_once = 1024;

struct LossAndGradients {
  // A scalar; [B, dim] each.
  at::Tensor loss, documents, labels;
};

// With C the gradient with respect to the cosines, that of the documents is C labels, and that of the labels C^T documents.
LossAndGradients loss_and_gradients(const at::Tensor& documents, const at::Tensor& labels, const BatchYeses& yeses, const TripletLossOptions& options,
                                    int64_t block) {
  const at::NoGradGuard no_grad;
  const int64_t batch = documents.size(0);
  LossAndGradients result{{}, at::empty_like(documents), at::zeros_like(labels)};
  std::vector<at::Tensor> losses;
  for (int64_t first = 0; first < batch; first += block) {
    const int64_t size = std::min(block, batch - first);
    const at::Tensor rows = documents.narrow(0, first, size);
    const at::Tensor coefficients = at::mm(rows, labels.t());
    losses.push_back(triplet_rows(coefficients, first, yeses, options));
    at::Tensor gradient = result.documents.narrow(0, first, size);
    at::mm_out(gradient, coefficients, labels);
    result.labels.addmm_(coefficients.t(), rows);
  }
  result.loss = at::cat(losses).sum();
  return result;
}

// Knows its gradients from the forward pass.
class BlockwiseLoss : public torch::autograd::Function<BlockwiseLoss> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& documents, const at::Tensor& labels, const BatchYeses* yeses,
                            const TripletLossOptions* options, int64_t block) {
    LossAndGradients result = loss_and_gradients(documents.contiguous(), labels.contiguous(), *yeses, *options, block);
    context->save_for_backward({result.documents, result.labels});
    return result.loss;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context, const torch::autograd::variable_list& gradient) {
    const auto saved = context->get_saved_variables();
    return {saved[0] * gradient[0], saved[1] * gradient[0], {}, {}, {}};
  }
};

}  // namespace

at::Tensor triplet_loss_at_once(const at::Tensor& documents, const at::Tensor& labels, const at::Tensor& is_yes, const TripletLossOptions& options) {
  check_rows(documents, labels, documents.size(0));
  check_matrix_of_yeses(is_yes, documents.size(0));
  const at::Tensor similarity = at::mm(documents, labels.t());
  const HardNegatives negatives = choose_negatives(similarity.detach(), is_yes, options);
  // max(0, .) is in the weights: they are 0 where the margin holds.
  const at::Tensor violations = at::gather(similarity, 1, negatives.columns) - similarity.diagonal().unsqueeze(1) + options.margin;
  return (negatives.weights * violations).sum() / static_cast<double>(documents.size(0));
}

at::Tensor triplet_loss_in_blocks(const at::Tensor& documents, const at::Tensor& labels, const BatchYeses& yeses, const TripletLossOptions& options,
                                  int64_t block) {
  check_rows(documents, labels, yeses.size());
  return BlockwiseLoss::apply(documents, labels, &yeses, &options, block);
}

at::Tensor triplet_loss(const at::Tensor& documents, const at::Tensor& labels, const BatchYeses& yeses, const TripletLossOptions& options) {
  check_rows(documents, labels, yeses.size());
  if (documents.is_cpu() && yeses.size() <= largest_at_once) return triplet_loss_at_once(documents, labels, yeses.matrix(), options);
  return triplet_loss_in_blocks(documents, labels, yeses.to(documents.device()), options);
}

at::Tensor triplet_loss(const at::Tensor& documents, const at::Tensor& labels, const at::Tensor& is_yes, const TripletLossOptions& options) {
  check_rows(documents, labels, documents.size(0));
  check_matrix_of_yeses(is_yes, documents.size(0));
  if (documents.is_cpu() && documents.size(0) <= largest_at_once) return triplet_loss_at_once(documents, labels, is_yes, options);
  return triplet_loss(documents, labels, BatchYeses::from_matrix(is_yes), options);
}

}  // namespace lmtx
