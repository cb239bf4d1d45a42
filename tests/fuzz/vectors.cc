// What lies beside a file of vectors in the making.
#include "fuzz.h"
#include "lmtx/detail/vector_file.h"

using namespace lmtx;
using namespace lmtx::fuzz;

namespace {

void use(const fs::path& file, const Json& content) {
  try {
    detail::VectorFile(file, {.rows = content["rows"].get<int64_t>(), .dim = content["dim"].get<int64_t>()}, content, /*overwrite=*/false);
  } catch (const std::invalid_argument& error) {
    // Begun otherwise.
    throw std::runtime_error(error.what());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Scratch scratch("vectors");
  const fs::path file = scratch.files() / "vectors.npy", partial = file.string() + ".partial", sidecar = file.string() + ".partial.json";
  static const std::string rows = read(partial);
  static const Json content = detail::read_json(sidecar)["content"];
  // Twice: what was begun anew is gone on with.
  replace_sealed(sidecar, text_of(data, size), [&] {
    write(partial, rows);
    use(file, content);
    use(file, content);
  });
  return 0;
}
