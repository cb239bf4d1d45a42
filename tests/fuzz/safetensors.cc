// safetensors files: as they are, and with the length of the header put right, so that changed headers are read.
#include <cstring>

#include "fuzz.h"
#include "lmtx/nn/safetensors.h"

using namespace lmtx;
using namespace lmtx::fuzz;

namespace {

void read_as(const fs::path& file, std::string_view bytes) {
  write(file, bytes);
  expect_one_line(file, [&] {
    size_t total = 0;
    for (const auto& [name, tensor] : read_safetensors(file)) total += tensor.nbytes();
    if (total > bytes.size()) report("tensors of more bytes than the file has");
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Scratch scratch;
  const fs::path file = scratch / "model.safetensors";
  std::string bytes(text_of(data, size));
  read_as(file, bytes);
  const size_t end = bytes.rfind('}');
  if (bytes.size() < 8 || end == std::string::npos || end < 8) return 0;
  const uint64_t header = end + 1 - 8;
  std::memcpy(bytes.data(), &header, sizeof header);
  read_as(file, bytes);
  return 0;
}
