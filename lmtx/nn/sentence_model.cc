#include "lmtx/nn/sentence_model.h"

#include <stdexcept>
#include <utility>

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
                               "; opening and saving the folder with sentence-transformers makes one.");
    }
  }
  throw std::runtime_error(folder.string() + ": model.safetensors is missing.");
}

// Half precision and doubles become float32; integers stay.
NamedTensors read_weights(const fs::path& file, at::Device device) {
  NamedTensors tensors = read_safetensors(file);
  for (auto& [name, tensor] : tensors) tensor = tensor.to(device, tensor.is_floating_point() ? at::kFloat : tensor.scalar_type());
  return tensors;
}

}  // namespace

std::shared_ptr<SentenceModel> SentenceModel::load(const fs::path& folder, at::Device device) {
  ModelFolder model = read_model_folder(folder);
  const fs::path file = weight_file(model.path);
  return make_model(std::move(model), Weights(read_weights(file, device), file.string()));
}

}  // namespace lmtx
