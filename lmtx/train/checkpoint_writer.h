// Writes the checkpoints of a training, where its tensors are on a card while it goes on. Internal.
#pragma once

#include <ATen/core/Tensor.h>

#include <exception>
#include <filesystem>
#include <memory>
#include <thread>

#include "lmtx/train/checkpoint.h"

namespace lmtx {

// Belongs to one thread.
class CheckpointWriter {
 public:
  // An empty folder: nothing is ever written.
  CheckpointWriter(std::filesystem::path folder, at::Device device);
  // What is being written is given up.
  ~CheckpointWriter() = default;

  bool keeps() const { return !folder_.empty(); }
  bool is_writing() const;
  // Waits until it is there; what was being written is given up.
  void save(const TrainingState& state);
  // Waits for what is being written, whose copy on the card is given back; false where nothing was.
  bool wait();
  // On a card it is copied there and written behind the training's back, unless the last one is still being written: then nothing happens, and it is false.
  // On the CPU as save(). Throws what kept the last one from being written.
  bool save_behind(const TrainingState& state);

 private:
  struct Shared;

  const std::filesystem::path folder_;
  const at::Device device_;
  // Of the checkpoint that is being written; null without.
  std::shared_ptr<Shared> shared_;
  std::jthread thread_;
};

}  // namespace lmtx
