// What makes a model folder a tagger: settings and labels.
#include "fuzz.h"
#include "lmtx/tagger.h"

using namespace lmtx;
using namespace lmtx::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Scratch scratch("finished/tagger");
  const fs::path folder = scratch.files();
  const auto use = [&] {
    const Tagger tagger = Tagger::load(folder);
    tagger.tag("daa dab x1");
  };
  replace_sealed(folder / "lmtx/settings.json", text_of(data, size), [&] {
    try {
      use();
    } catch (const std::runtime_error& error) {
      // Settings that describe other files than there are.
      if (std::string(error.what()).find(folder.string()) == std::string::npos) throw;
      throw std::runtime_error(std::string("settings.json: ") + error.what());
    }
  });
  replace(folder / "lmtx/labels.jsonl", text_of(data, size), use);
  return 0;
}
