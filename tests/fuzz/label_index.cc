// Label indexes: the manifest, rows and the graph, each with checksums that fit.
#include <ATen/core/Tensor.h>
#include <ATen/ops/ones.h>

#include "fuzz.h"
#include "lmtx/detail/digest.h"
#include "lmtx/search/label_index.h"

using namespace lmtx;
using namespace lmtx::fuzz;

namespace {

void use(const fs::path& folder) {
  const LabelIndex index = LabelIndex::load(folder);
  if (index.dim() > 0 && index.dim() < 4096) index.search(at::ones({2, index.dim()}), 3);
}

// `bytes` as the part `described` of the manifest.
void use_part(const fs::path& folder, const std::string& kind, std::string_view bytes, const std::function<Json&(Json&)>& described) {
  const std::string manifest = read(folder / "manifest.json");
  const std::string checksum = detail::hex(detail::Hasher().add_raw(bytes.data(), bytes.size()).finish());
  const fs::path file = folder / (kind + checksum + ".bin");
  const bool was_there = fs::exists(file);
  Json json = detail::parse_json(manifest, "manifest");
  Json& part = described(json);
  part["file"] = file.filename().string();
  part["bytes"] = bytes.size();
  part["checksum"] = checksum;
  write(file, bytes);
  write(folder / "manifest.json", detail::sealed(json).dump());
  expect_one_line(file, [&] { use(folder); });
  write(folder / "manifest.json", manifest);
  if (!was_there) fs::remove(file);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Scratch plain("index"), graph("graph");
  const std::string_view bytes = text_of(data, size);
  for (const Scratch* scratch : {&plain, &graph}) {
    const fs::path folder = scratch->files();
    replace_sealed(folder / "manifest.json", bytes, [&] {
      try {
        use(folder);
      } catch (const std::runtime_error& error) {
        // A manifest that names other files, or describes them otherwise.
        if (std::string(error.what()).find(folder.string()) == std::string::npos) throw;
        throw std::runtime_error(std::string("manifest.json: ") + error.what());
      }
    });
    use_part(folder, "rows-", bytes, [](Json& manifest) -> Json& { return manifest["segments"][0]; });
  }
  use_part(graph.files(), "graph-", bytes, [](Json& manifest) -> Json& { return manifest["segments"][0]["graph"]; });
  return 0;
}
