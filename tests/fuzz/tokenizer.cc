// The files of a tokenizer, and texts through what comes of them.
#include "fuzz.h"
#include "lmtx/text/tokenizer.h"

using namespace lmtx;
using namespace lmtx::fuzz;

namespace {

void use(const fs::path& folder) {
  const Tokenizer tokenizer = Tokenizer::load(folder);
  const std::string_view texts[] = {"daa dab x17", "", "[CLS] \xff caf\xc3\xa9 \xe4\xb8\xad [MASK]", "unbelievable!"};
  const auto special = static_cast<int64_t>(tokenizer.prefix().size() + tokenizer.suffix().size());
  for (const int32_t id : tokenizer.encode(texts, special + 16).ids) {
    if (id < 0 || id >= tokenizer.vocabulary_size()) report("an id out of range");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Scratch with_json("model-json"), with_vocabulary("model");
  replace(with_json.files() / "tokenizer.json", text_of(data, size), [&] { use(with_json.files()); });
  replace(with_json.files() / "tokenizer_config.json", text_of(data, size), [&] { use(with_json.files()); });
  replace(with_vocabulary.files() / "tokenizer_config.json", text_of(data, size), [&] {
    try {
      use(with_vocabulary.files());
    } catch (const std::runtime_error& error) {
      // A token that only the settings name is missing in the vocabulary.
      throw std::runtime_error(std::string("tokenizer_config.json: ") + error.what());
    }
  });
  replace(with_vocabulary.files() / "vocab.txt", text_of(data, size), [&] { use(with_vocabulary.files()); });
  return 0;
}
