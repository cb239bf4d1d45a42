#include "lmtx/train/optimizer.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros_like.h>

#include <cmath>

namespace lmtx {

double learning_rate_at(int64_t t, int64_t steps, double rate, double warmup) {
  const double rising = warmup < 1 ? std::ceil(warmup * static_cast<double>(steps)) : warmup;
  const double now = static_cast<double>(t), end = static_cast<double>(steps);
  if (now <= rising) return rate * now / rising;
  return rate * std::max(0.0, (end - now) / (end - rising));
}

AdamW::AdamW(std::vector<at::Tensor> parameters, const AdamWOptions& options) : options_(options), parameters_(std::move(parameters)) {
  const at::NoGradGuard no_grad;
  for (const at::Tensor& parameter : parameters_) {
    first_.push_back(at::zeros_like(parameter));
    second_.push_back(at::zeros_like(parameter));
  }
}

void AdamW::step(double learning_rate) {
  if (parameters_.empty()) return;
  const at::NoGradGuard no_grad;
  ++num_steps_;
  std::vector<at::Tensor> gradients, steps;
  for (const at::Tensor& parameter : parameters_) {
    const at::Tensor& gradient = parameter.grad();
    gradients.push_back(gradient.defined() ? gradient : at::zeros_like(parameter));
    steps.push_back(at::full({}, static_cast<double>(num_steps_), parameter.options().dtype(at::kFloat)));
  }
  // One pass over memory instead of ten. The empty list is that of AMSGrad's maxima.
  at::_fused_adamw_(parameters_, gradients, first_, second_, /*max_exp_avg_sqs=*/{}, steps, learning_rate, options_.beta1, options_.beta2, options_.weight_decay,
                    options_.epsilon, /*amsgrad=*/false, /*maximize=*/false);
  for (at::Tensor& parameter : parameters_) parameter.mutable_grad().reset();
}

}  // namespace lmtx
