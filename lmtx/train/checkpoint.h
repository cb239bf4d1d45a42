// The state of a training between two steps, on disk. Internal.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <vector>

#include "lmtx/detail/digest.h"

namespace lmtx {

struct TrainingState {
  // Says what is trained on what: a checkpoint of another training is of no use.
  detail::Digest key{};
  int64_t step = 0;
  // Of each step so far.
  std::vector<double> losses;
  // What the token budget was lowered to for want of memory; 0: it was not.
  int64_t token_budget = 0;
  // Weights and moments; shared with the model and the optimizer.
  std::vector<at::Tensor> tensors;
};

// Replaces the folder's checkpoint, whole or not at all; makes the folder if it is missing. Memory: the largest tensor, and only where it is on a device. Throws
// Stopped, with the checkpoint as it was.
void save_checkpoint(const std::filesystem::path& folder, const TrainingState& state, const std::stop_token& stop = {});

// Reads the folder's checkpoint into `state`, whose key and tensors say what is expected. False, with `state` untouched, where there is none or it belongs to
// another training. Throws std::runtime_error naming the file where it is damaged.
bool load_checkpoint(const std::filesystem::path& folder, TrainingState& state);

}  // namespace lmtx
