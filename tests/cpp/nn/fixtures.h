// The models of tests/data/models (made by tests/reference/make_model_fixtures.py) and batches for them.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/tensor.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "data.h"
#include "lmtx/nn/safetensors.h"
#include "lmtx/text/token_batch.h"

namespace lmtx::test {

using Sequences = std::vector<std::vector<int32_t>>;

inline std::filesystem::path models() { return data_folder() / "models"; }

inline Sequences read_sequences(const std::string& model) {
  std::ifstream in(models() / (model + ".json"));
  return nlohmann::json::parse(in).get<Sequences>();
}

inline at::Tensor find(const NamedTensors& tensors, const std::string& name) {
  for (const auto& [key, tensor] : tensors) {
    if (key == name) return tensor;
  }
  throw std::runtime_error("no tensor " + name);
}

// Written out, so that the tests do not lean on lmtx::pack.
inline TokenBatch batch_of(const Sequences& sequences) {
  TokenBatch batch;
  batch.host_offsets = {0};
  std::vector<int32_t> ids;
  for (const auto& sequence : sequences) {
    ids.insert(ids.end(), sequence.begin(), sequence.end());
    batch.host_offsets.push_back(static_cast<int32_t>(ids.size()));
    batch.max_length = std::max<int64_t>(batch.max_length, sequence.size());
  }
  batch.ids = at::tensor(ids, at::kInt);
  batch.offsets = at::tensor(batch.host_offsets, at::kInt);
  return batch;
}

inline double largest_difference(const at::Tensor& a, const at::Tensor& b) { return a.detach().sub(b.detach()).abs().max().item<double>(); }

// An empty folder that goes away with the object.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "lmtx-nn-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path = name;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::filesystem::path path;
};

}  // namespace lmtx::test
