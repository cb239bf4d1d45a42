// Which files describe the tokenizer of a folder.
#include <array>
#include <stdexcept>
#include <string>
#include <string_view>

#include "lmtx/text/tokenizer_config.h"
#include "lmtx/text/tokenizer_files.h"

namespace lmtx::detail {

namespace {

[[noreturn]] void fail(const std::string& place, const std::string& message) { throw std::runtime_error(place + ": " + message); }

// Without a tokenizer.json the tokenizer's class says what the files mean. Where it is not named, its files stand for it.
void check_class(const std::filesystem::path& folder, std::string_view file, std::string_view supported) {
  const Json config = read_tokenizer_config(tokenizer_config_file(folder));
  const std::string name = tokenizer_class(config, folder);
  const bool is_named = config.contains("tokenizer_class") || !is_bert_class(name);
  if (!is_named || name == supported) return;
  fail(tokenizer_config_file(folder).string(), "`tokenizer_class` is \"" + name + "\", but beside a " + std::string(file) + " only \"" +
                                                   std::string(supported) + "\" is supported. A tokenizer.json may help.");
}

}  // namespace

TokenizerParts read_tokenizer(const std::filesystem::path& folder, bool lower_case) {
  const auto exists = [&](const char* name) { return std::filesystem::exists(folder / name); };
  if (exists("tokenizer.json")) return read_tokenizer_json(folder / "tokenizer.json", lower_case);
  if (exists("sentencepiece.bpe.model")) {
    check_class(folder, "sentencepiece.bpe.model", "XLMRobertaTokenizer");
    return read_xlm_roberta_files(folder / "sentencepiece.bpe.model", lower_case);
  }
  if (exists("vocab.json") && exists("merges.txt")) {
    check_class(folder, "vocab.json", "RobertaTokenizer");
    return read_roberta_files(folder / "vocab.json", folder / "merges.txt", lower_case);
  }
  if (exists("vocab.txt")) return read_vocab_txt(folder / "vocab.txt", lower_case);
  fail(folder.string(), "expected a folder with tokenizer.json, vocab.txt, sentencepiece.bpe.model, or vocab.json and merges.txt, but found none of them.");
}

}  // namespace lmtx::detail
