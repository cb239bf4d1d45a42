// The files of a model folder: each in turn.
#include "fuzz.h"
#include "lmtx/encoder.h"

using namespace lmtx;
using namespace lmtx::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Scratch scratch("model-json");
  const fs::path folder = scratch.files();
  for (const char* name : {"config.json", "modules.json", "1_Pooling/config.json", "sentence_bert_config.json", "config_sentence_transformers.json", "tokenizer_config.json",
                           "model.safetensors"}) {
    replace(folder / name, text_of(data, size), [&] {
      // What damage makes wrong only together with another file is said of that one, or of the folder.
      try {
        const Encoder encoder = Encoder::load(folder);
        const std::string_view texts[] = {"daa x", "", "lab 7"};
        if (encoder.max_length() >= 4) encoder.encode(texts);
      } catch (const std::runtime_error& error) {
        if (std::string(error.what()).find(folder.string()) == std::string::npos) throw;
        throw std::runtime_error(std::string(name) + ": " + error.what());
      }
    });
  }
  return 0;
}
