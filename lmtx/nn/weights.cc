#include "lmtx/nn/weights.h"

#include <algorithm>
#include <map>
#include <stdexcept>

#include "lmtx/nn/safetensors.h"

namespace lmtx {
namespace {

std::string text(at::IntArrayRef shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return text + "]";
}

}  // namespace

NamedTensors::const_iterator Weights::find(const std::string& name) const {
  return std::find_if(rest_.begin(), rest_.end(), [&](const auto& tensor) { return tensor.first == name; });
}

at::Tensor Weights::take(const std::string& name, const std::vector<int64_t>& shape) {
  const auto found = find(name);
  if (found == rest_.end()) throw std::runtime_error(place_ + ": tensor `" + name + "` is missing. It is one of those that config.json asks for.");
  const at::Tensor tensor = found->second;
  if (tensor.sizes() != at::IntArrayRef(shape)) {
    throw std::runtime_error(place_ + ": tensor `" + name + "` must have shape " + text(shape) + ", as config.json says, but has shape " +
                             text(tensor.sizes()) + " instead.");
  }
  if (!tensor.is_floating_point()) throw std::runtime_error(place_ + ": tensor `" + name + "` must hold floating-point numbers, but holds integers instead.");
  taken_.push_back(*found);
  rest_.erase(found);
  return tensor;
}

void write_weights(const std::filesystem::path& folder, const NamedTensors& tensors) {
  std::map<std::string, NamedTensors> files;
  for (const auto& [name, tensor] : tensors) {
    const size_t slash = name.find('/');
    files[slash == std::string::npos ? "" : name.substr(0, slash)].emplace_back(slash == std::string::npos ? name : name.substr(slash + 1), tensor);
  }
  for (const auto& [place, named] : files) write_safetensors(folder / place / "model.safetensors", named);
}

}  // namespace lmtx
