// The tensors of a weight file, taken one by one by the model that is built from them.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "lmtx/nn/named_tensors.h"

namespace lmtx {

class Weights {
 public:
  // `place` (the file) goes into messages.
  Weights(NamedTensors tensors, std::string place) : rest_(std::move(tensors)), place_(std::move(place)) {}

  bool contains(const std::string& name) const { return find(name) != rest_.end(); }
  // Hands out the tensor of this name. Throws std::runtime_error where it is missing, has another shape or holds no floating-point numbers.
  at::Tensor take(const std::string& name, const std::vector<int64_t>& shape);

  // What was taken, in that order, and what was not.
  const NamedTensors& taken() const { return taken_; }
  const NamedTensors& rest() const { return rest_; }
  const std::string& place() const { return place_; }

 private:
  NamedTensors::const_iterator find(const std::string& name) const;

  NamedTensors rest_, taken_;
  std::string place_;
};

// Writes the tensors of a model folder: NAME into its model.safetensors, FOLDER/NAME into that of a module's folder.
void write_weights(const std::filesystem::path& folder, const NamedTensors& tensors);

}  // namespace lmtx
