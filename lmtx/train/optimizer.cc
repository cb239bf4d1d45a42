#include "lmtx/train/optimizer.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace lmtx {

namespace {

// The norm over all of `gradients` becomes at most `largest`; the factor stays on their device.
void clip(const std::vector<at::Tensor>& gradients, double largest) {
  const at::Tensor norm = at::linalg_vector_norm(at::stack(at::_foreach_norm(gradients, 2)), 2);
  at::_foreach_mul_(gradients, (largest / (norm + 1e-6)).clamp_max(1));
}

}  // namespace

double learning_rate_at(int64_t t, int64_t steps, double rate, double warmup, std::string_view schedule, double final_rate) {
  const double rising = warmup < 1 ? std::ceil(warmup * static_cast<double>(steps)) : warmup;
  const double now = static_cast<double>(t), end = static_cast<double>(steps);
  if (now <= rising) return rate * now / rising;
  if (schedule == "constant") return rate;
  const double left = std::max(0.0, (end - now) / (end - rising));
  const double falling = schedule == "cosine" ? rate * (1 - std::cos(std::numbers::pi * left)) / 2 : rate * left;
  return final_rate == 0 ? falling : final_rate * rate + (1 - final_rate) * falling;
}

AdamW::AdamW(std::vector<at::Tensor> parameters, const AdamWOptions& options) : options_(options), parameters_(std::move(parameters)) {
  const at::NoGradGuard no_grad;
  for (const at::Tensor& parameter : parameters_) {
    first_.push_back(at::zeros_like(parameter));
    second_.push_back(at::zeros_like(parameter));
  }
  if (!parameters_.empty()) step_ = at::zeros({}, parameters_.front().options().dtype(at::kFloat));
}

void AdamW::step(double learning_rate) {
  if (parameters_.empty()) return;
  const at::NoGradGuard no_grad;
  ++num_steps_;
  std::vector<at::Tensor> gradients;
  for (const at::Tensor& parameter : parameters_) {
    const at::Tensor& gradient = parameter.grad();
    gradients.push_back(gradient.defined() ? gradient : at::zeros_like(parameter));
  }
  if (options_.max_gradient_norm > 0) clip(gradients, options_.max_gradient_norm);
  step_.fill_(static_cast<double>(num_steps_));
  const std::vector<at::Tensor> steps(parameters_.size(), step_);
  // One pass over memory instead of ten. The empty list is that of AMSGrad's maxima.
  at::_fused_adamw_(parameters_, gradients, first_, second_, /*max_exp_avg_sqs=*/{}, steps, learning_rate, options_.beta1, options_.beta2,
                    options_.weight_decay, options_.epsilon, /*amsgrad=*/false, /*maximize=*/false);
  for (at::Tensor& parameter : parameters_) parameter.mutable_grad().reset();
}

}  // namespace lmtx
