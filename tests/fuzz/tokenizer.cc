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

// The files of every other kind, each in the place of the input.
void use_others(std::string_view bytes) {
  static const Scratch byte_level("tokenizers/modernbert"), unigram("tokenizers/bge-m3"), roberta("tokenizers/roberta"), xlm_roberta("tokenizers/xlm-roberta");
  const auto replaced = [&](const Scratch& folder, const char* file) { replace(folder.files() / file, bytes, [&] { use(folder.files()); }); };
  for (const Scratch* folder : {&byte_level, &unigram}) replaced(*folder, "tokenizer.json");
  for (const char* file : {"vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json"}) replaced(roberta, file);
  for (const char* file : {"sentencepiece.bpe.model", "tokenizer_config.json"}) replaced(xlm_roberta, file);
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
  use_others(text_of(data, size));
  return 0;
}
