#include "lmtx/nn/sentence_model.h"

#include <bit>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <utility>

#include "lmtx/detail/fault.h"
#include "lmtx/nn/architectures.h"
#include "lmtx/nn/model_folder.h"
#include "lmtx/nn/safetensors.h"

namespace lmtx {
namespace {

namespace fs = std::filesystem;

fs::path weight_file(const fs::path& folder) {
  const fs::path file = folder / "model.safetensors";
  if (fs::exists(file)) return file;
  for (const char* other : {"model.safetensors.index.json", "pytorch_model.bin"}) {
    if (fs::exists(folder / other)) {
      throw std::runtime_error(folder.string() + ": weights in one file, model.safetensors, are needed, but there is only " + other +
                               "; sentence-transformers makes one: `SentenceTransformer(FOLDER, device=\"cpu\").save(NEW_FOLDER)`.");
    }
  }
  throw std::runtime_error(folder.string() + ": model.safetensors is missing.");
}

// One pass without memory of its own, so that loading takes no longer for it. `tensor` is contiguous and on the CPU.
bool all_finite(const at::Tensor& tensor) {
  if (tensor.scalar_type() != at::kFloat) return true;
  constexpr uint32_t exponent = 0x7f800000;
  uint32_t found = 0;
  for (const float number : std::span(tensor.const_data_ptr<float>(), static_cast<size_t>(tensor.numel()))) {
    found |= (std::bit_cast<uint32_t>(number) & exponent) == exponent;
  }
  return found == 0;
}

// The format has no checksum: of what damage does to a number, this much can be seen.
void check_finite(const std::string& name, const at::Tensor& tensor, const fs::path& file) {
  if (all_finite(tensor)) return;
  detail::fail(file.string(), "tensor " + detail::quote(name, 200) + " holds numbers that are not finite (NaN or infinity, or too large for float32).");
}

// Adds those of a folder, with `prefix` before their names. Half precision and doubles become float32; integers stay.
void add_weights(const fs::path& folder, const std::string& prefix, at::Device device, NamedTensors& weights) {
  const fs::path file = weight_file(folder);
  for (const auto& [name, stored] : read_safetensors(file)) {
    const at::Tensor tensor = stored.to(stored.is_floating_point() ? at::kFloat : stored.scalar_type());
    check_finite(name, tensor, file);
    weights.emplace_back(prefix + name, tensor.to(device));
  }
}

}  // namespace

std::shared_ptr<SentenceModel> SentenceModel::load(const fs::path& folder, at::Device device) {
  ModelFolder model = read_model_folder(folder);
  NamedTensors weights;
  add_weights(model.path, "", device, weights);
  for (size_t i = 0; i < model.dense.size(); ++i) add_weights(model.dense_paths[i], dense_folder(i) + "/", device, weights);
  const std::string place = (model.path / "model.safetensors").string();
  return make_model(std::move(model), Weights(std::move(weights), place));
}

}  // namespace lmtx
