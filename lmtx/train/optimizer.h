// AdamW and its learning-rate schedule.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "lmtx/export.h"

namespace lmtx {

// The rate at step t of `steps` (counted from 1): t / warmup of `rate` during warm-up (also when the run ends inside it), then as `schedule` says: "linear" or
// "cosine" (half a wave) to `final_rate` of it at the last step, or "constant". `warmup` below 1 is a share of `steps`, rounded up.
LMTX_API double learning_rate_at(int64_t t, int64_t steps, double rate, double warmup, std::string_view schedule = "linear", double final_rate = 0);

struct AdamWOptions {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-6;
  double weight_decay = 0;
  // The gradient over all parameters is scaled down to this norm where it is longer, as torch.nn.utils.clip_grad_norm_ does; 0: it is not.
  double max_gradient_norm = 0;
};

// Decoupled weight decay (Loshchilov and Hutter 2019), bias-corrected, as torch.optim.AdamW computes it.
class LMTX_API AdamW {
 public:
  // `parameters` are changed in place by step().
  AdamW(std::vector<at::Tensor> parameters, const AdamWOptions& options = {});
  // One update from the parameters' gradients (an undefined gradient counts as zero), which are then dropped. Nothing waits for a card.
  void step(double learning_rate);

  int64_t num_steps() const { return num_steps_; }
  // First and second moments, in the order of the parameters; they share storage with the optimizer (checkpoints read and write them).
  const std::vector<at::Tensor>& first_moments() const { return first_; }
  const std::vector<at::Tensor>& second_moments() const { return second_; }
  void set_num_steps(int64_t num_steps) { num_steps_ = num_steps; }

 private:
  AdamWOptions options_;
  std::vector<at::Tensor> parameters_, first_, second_;
  // float32, where the parameters are: the number of the step, which the update reads there.
  at::Tensor step_;
  int64_t num_steps_ = 0;
};

}  // namespace lmtx
